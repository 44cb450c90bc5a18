package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/schollz/progressbar/v3"

	"literank.com/event-books/application/executor"
	"literank.com/event-books/infrastructure/catalog"
)

const (
	// notesShown is how many notes of each kind are printed; the others are
	// only counted.
	notesShown = 3
	// Where there is no terminal, a line of progress is printed when both
	// have passed since the last one.
	linesEvery   = 1000 // rows
	linesBetween = 5 * time.Second
)

// importProgress shows on out how an import goes on: a bar on a terminal,
// lines elsewhere. It is an executor.ImportObserver.
type importProgress struct {
	out io.Writer
	// bar is nil where there is no terminal.
	bar *progressbar.ProgressBar
	// bytes tells how much of the file was read, of how much (0: unknown).
	bytes func() (read, size int64)

	start time.Time
	// earlier and readEarlier are the rows and bytes of an interrupted import.
	earlier     int
	readEarlier int64
	// told and toldRows are of the last line of progress.
	told     time.Time
	toldRows int
	// kinds are the kinds of notes in the order they came, with their number.
	kinds []string
	notes map[string]int
}

var _ executor.ImportObserver = (*importProgress)(nil)

// newImportProgress expects bytes to be catalog.File's Progress.
func newImportProgress(out io.Writer, terminal bool, bytes func() (read, size int64)) *importProgress {
	now := time.Now()
	p := &importProgress{out: out, bytes: bytes, start: now, told: now, notes: map[string]int{}}
	if !terminal {
		return p
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(out),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionSetWidth(24),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0), // drawn by progress only
		// Times and rates are told in words, and in rows rather than bytes.
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
	}
	_, size := bytes()
	if size <= 0 {
		size = -1
	}
	p.bar = progressbar.NewOptions64(size, options...)
	return p
}

func (p *importProgress) Resumed(rows int) {
	p.line("going on behind %d rows that an interrupted import has seen to", rows)
	p.start, p.earlier, p.toldRows = time.Now(), rows, rows
	p.readEarlier, _ = p.bytes()
}

func (p *importProgress) Rejected(line int, reason string) {
	p.line("line %d rejected: %s", line, reason)
}

func (p *importProgress) Note(line int, text string) {
	kind, _, _ := strings.Cut(text, ":")
	if p.notes[kind]++; p.notes[kind] == 1 {
		p.kinds = append(p.kinds, kind)
	}
	if p.notes[kind] <= notesShown {
		p.line("line %d: %s", line, text)
	}
}

func (p *importProgress) Waiting(err error) {
	p.line("the catalogue does not answer, trying again: %v", err)
}

func (p *importProgress) Progress(rows int) {
	read, size := p.bytes()
	if p.bar == nil {
		p.lineNowAndThen(rows, read, size)
		return
	}
	elapsed := time.Since(p.start)
	told := fmt.Sprintf("%d rows, %s", rows, rate(rows-p.earlier, elapsed))
	if now := read - p.readEarlier; size > 0 && now > 0 {
		left := time.Duration(float64(elapsed) * float64(size-read) / float64(now))
		told += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	p.bar.Describe(told)
	if size > 0 {
		p.bar.Set64(min(read, size-1)) // a full bar is gone for good, and the last rows are yet to come
	} else {
		p.bar.Set64(int64(rows))
	}
}

func (p *importProgress) lineNowAndThen(rows int, read, size int64) {
	now := time.Now()
	if rows < p.toldRows+linesEvery || now.Sub(p.told) < linesBetween {
		return
	}
	p.told, p.toldRows = now, rows
	share := ""
	if size > 0 {
		share = fmt.Sprintf(", %d %% of the file", 100*read/size)
	}
	p.line("%d rows%s, %s", rows, share, rate(rows-p.earlier, now.Sub(p.start)))
}

// Finish takes the bar away and prints what became of the file. It is the
// last call.
func (p *importProgress) Finish(s executor.ImportSummary, format string, used []catalog.Column, ignored []string) {
	if p.bar != nil {
		p.bar.Clear()
		p.bar = nil
	}
	for _, kind := range p.kinds {
		if more := p.notes[kind] - notesShown; more > 0 {
			p.line("%s: on %d more lines, %d in all", kind, more, p.notes[kind])
		}
	}
	columns := make([]string, len(used))
	for i, c := range used {
		columns[i] = c.Name
		if c.Name != c.Field {
			columns[i] += " → " + c.Field
		}
	}
	p.line("format:    %s", format)
	p.line("used:      %s", orNone(columns))
	p.line("ignored:   %s", orNone(ignored))
	p.line("rows:      %d", s.Rows)
	p.line("created:   %d", s.Created)
	p.line("updated:   %d", s.Updated)
	p.line("unchanged: %d", s.Unchanged)
	if s.Deleted > 0 {
		p.line("deleted:   %d", s.Deleted)
	}
	p.line("rejected:  %d", s.Rejected)
	p.line("seconds:   %.1f (%s)", s.Elapsed.Seconds(), rate(s.Rows-s.Earlier, s.Elapsed))
	if s.Earlier > 0 {
		p.line("%d of the rows were seen to by an interrupted import", s.Earlier)
	}
}

func orNone(names []string) string {
	const most = 100
	if len(names) == 0 {
		return "none"
	}
	if more := len(names) - most; more > 0 {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

func rate(rows int, elapsed time.Duration) string {
	if elapsed <= 0 {
		return "0 rows/s"
	}
	return fmt.Sprintf("%.0f rows/s", float64(rows)/elapsed.Seconds())
}

// line prints one line above the bar, which comes back with the next progress.
func (p *importProgress) line(format string, args ...any) {
	if p.bar != nil {
		p.bar.Clear()
	}
	fmt.Fprintln(p.out, harmless(fmt.Sprintf(format, args...)))
}

// harmless escapes what could steer a terminal or reorder a line in text
// that comes from a file.
func harmless(text string) string {
	var out strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			out.WriteRune(r)
		} else {
			out.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return out.String()
}
