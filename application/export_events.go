package application

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"literank.com/event-books/application/flatfile"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/disk"
	"literank.com/event-books/infrastructure/mq"
)

// EventFile is a file of events for analysts.
type EventFile struct {
	flatfile.Options
	// Path is the file to write; "-" is Stdout. If its name ends in .gz, it is gzipped.
	Path   string
	Format flatfile.Format
	Stdout io.Writer
}

// ExportedEvents says what ExportEvents did.
type ExportedEvents struct {
	// Rows were written. Copies and Erased events were left out: those that had come before, and
	// those of visitors who asked to be forgotten. Unreadable records are none of their topic's
	// events, or those of a later version.
	Rows, Copies, Erased, Unreadable int
	Trimmed                          mq.Trimmed
}

// ExportEvents writes events of the configured topics to a file. A file on disk appears when it is
// complete. Its error wraps flatfile.ErrTooMany if there is too much to judge.
func ExportEvents(ctx context.Context, c *config.Config, file EventFile) (*ExportedEvents, error) {
	kafka, err := Kafka(c)
	if err != nil {
		return nil, err
	}
	e := &eventExport{kafka: kafka, config: c, file: file, result: &ExportedEvents{}}
	err = file.write(func(out io.Writer) error { return e.run(ctx, out) })
	if hint := BrokerHint(c); err != nil && hint != "" && ctx.Err() == nil && !errors.Is(err, mq.ErrNoTopic) && !errors.Is(err, flatfile.ErrTooMany) {
		err = fmt.Errorf("%w (%s)", err, hint)
	}
	return e.result, err
}

func (f EventFile) write(fill func(out io.Writer) error) error {
	if f.Path == "-" {
		return fill(f.Stdout)
	}
	return disk.Replace(f.Path, 0o666, func(out io.Writer) error {
		if !strings.HasSuffix(strings.ToLower(f.Path), ".gz") {
			return fill(out)
		}
		zipped := gzip.NewWriter(out)
		return errors.Join(fill(zipped), zipped.Close())
	})
}

// eventExport reads topics for an exporter.
type eventExport struct {
	kafka  mq.Kafka
	config *config.Config
	file   EventFile
	result *ExportedEvents
}

func (e *eventExport) run(ctx context.Context, out io.Writer) error {
	rows, err := flatfile.NewWriter(out, e.file.Kind, e.file.Format)
	if err != nil {
		return err
	}
	x := flatfile.New(e.file.Options, rows.Write)
	err = e.feed(ctx, x)
	if err == nil {
		err = x.Close()
	}
	e.result.Rows, e.result.Copies, e.result.Erased = x.Rows, x.Copies, x.Erased
	return errors.Join(err, rows.Close())
}

// feed reads the erasures first, since they apply to what came before them.
func (e *eventExport) feed(ctx context.Context, x *flatfile.Exporter) error {
	clicks, kind := e.config.MQ.ClickTopic(), e.file.Kind
	err := e.read(ctx, clicks, func(r *mq.Record) error {
		if r.Header("ce_type") == model.VisitorErasedEventType {
			if erasure, err := model.DecodeVisitorErasedEvent(r.Key, r.Headers, r.Value); err == nil {
				x.AddErasure(r.Time, erasure)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if kind.NeedsSearches() {
		err = e.read(ctx, e.config.MQ.SearchTopic(), func(r *mq.Record) error {
			search, err := model.DecodeSearchEvent(r.Key, r.Headers, r.Value)
			if err != nil {
				e.result.Unreadable++
				return nil
			}
			return x.AddSearch(r.Partition, r.Time, search)
		})
	}
	if err != nil || !kind.NeedsClicks() {
		return err
	}
	return e.read(ctx, clicks, func(r *mq.Record) error {
		if r.Header("ce_type") == model.VisitorErasedEventType {
			return nil
		}
		click, err := model.DecodeClickEvent(r.Key, r.Headers, r.Value)
		if err != nil {
			e.result.Unreadable++
			return nil
		}
		return x.AddClick(r.Partition, r.Time, click)
	})
}

// read reads a topic. There is no topic of clicks before the first click.
func (e *eventExport) read(ctx context.Context, topic string, handle func(*mq.Record) error) error {
	trimmed, err := mq.Read(ctx, e.kafka, topic, e.file.From, handle)
	if errors.Is(err, mq.ErrNoTopic) && topic == e.config.MQ.ClickTopic() {
		return nil
	}
	if begin := e.result.Trimmed.Begin; trimmed.Partitions > 0 && (e.result.Trimmed.Partitions == 0 || later(trimmed.Begin, begin)) {
		e.result.Trimmed = trimmed
	}
	return err
}

// later reports whether a topic begins later. A zero time is that of a topic without records.
func later(begin, than time.Time) bool {
	return !than.IsZero() && (begin.IsZero() || begin.After(than))
}
