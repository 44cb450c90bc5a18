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

	"literank.com/event-books/application/importing"
	"literank.com/event-books/domain/model"
)

const (
	// notesShown is how many notes of each kind are printed. The others are
	// counted.
	notesShown = 3
	// Without a terminal, a line of progress is printed once linesEvery rows
	// are finished and linesBetween has passed since the last line.
	linesEvery   = 1000
	linesBetween = 5 * time.Second
)

// importProgress prints the progress and the result of an import: a bar on a
// terminal, lines elsewhere. It implements importing.Observer.
type importProgress struct {
	out io.Writer
	// bar is nil without a terminal.
	bar *progressbar.ProgressBar
	// bytes returns how much of the file was read, and its size or 0.
	bytes func() (read, size int64)

	start time.Time
	// earlier and readEarlier count the rows and bytes that an interrupted
	// import had finished.
	earlier     int
	readEarlier int64
	// printed is the time of the last line of progress, printedRows the number
	// of rows in it.
	printed     time.Time
	printedRows int
	// kinds lists the kinds of notes, the first to come first. notes counts
	// each kind.
	kinds []string
	notes map[string]int
}

var _ importing.Observer = (*importProgress)(nil)

// newImportProgress takes importing.Import.Progress as bytes.
func newImportProgress(out io.Writer, terminal bool, bytes func() (read, size int64)) *importProgress {
	now := time.Now()
	p := &importProgress{out: out, bytes: bytes, start: now, printed: now, notes: map[string]int{}}
	if !terminal {
		return p
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(out),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionSetWidth(24),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0), // redraw it with the progress only
		// The description has the time and the rate, in rows instead of bytes.
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
	p.line("resuming after %d rows of an interrupted import", rows)
	p.start, p.earlier, p.printedRows = time.Now(), rows, rows
	p.readEarlier, _ = p.bytes()
}

func (p *importProgress) Rejected(row *model.RowError) {
	p.line("line %d rejected: %s", row.Line, row.Reason())
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
	p.line("the catalogue does not answer, retrying: %v", err)
}

func (p *importProgress) Progress(rows int) {
	read, size := p.bytes()
	if p.bar == nil {
		p.lineIfDue(rows, read, size)
		return
	}
	elapsed := time.Since(p.start)
	description := fmt.Sprintf("%d rows, %s", rows, rowRate(rows-p.earlier, elapsed))
	if now := read - p.readEarlier; size > 0 && now > 0 {
		left := time.Duration(float64(elapsed) * float64(size-read) / float64(now))
		description += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	p.bar.Describe(description)
	if size > 0 {
		p.bar.Set64(min(read, size-1)) // a full bar would vanish before the last rows are finished
	} else {
		p.bar.Set64(int64(rows))
	}
}

// lineIfDue prints a line of progress if the last one is old enough.
func (p *importProgress) lineIfDue(rows int, read, size int64) {
	now := time.Now()
	if rows < p.printedRows+linesEvery || now.Sub(p.printed) < linesBetween {
		return
	}
	p.printed, p.printedRows = now, rows
	share := ""
	if size > 0 {
		share = fmt.Sprintf(", %d %% of the file", 100*read/size)
	}
	p.line("%d rows%s, %s", rows, share, rowRate(rows-p.earlier, now.Sub(p.start)))
}

// Finish removes the bar and prints the result. It is the last call.
func (p *importProgress) Finish(s importing.Summary) {
	if p.bar != nil {
		p.bar.Clear()
		p.bar = nil
	}
	for _, kind := range p.kinds {
		if more := p.notes[kind] - notesShown; more > 0 {
			p.line("%s: on %d more lines, %d in all", kind, more, p.notes[kind])
		}
	}
	columns := make([]string, len(s.Used))
	for i, c := range s.Used {
		columns[i] = c.Name
		if c.Name != c.Field {
			columns[i] += " → " + c.Field
		}
	}
	p.line("format:    %s", s.Format)
	p.line("used:      %s", orNone(columns))
	p.line("ignored:   %s", orNone(s.Ignored))
	p.line("rows:      %d", s.Rows)
	p.line("created:   %d", s.Created)
	p.line("updated:   %d", s.Updated)
	p.line("unchanged: %d", s.Unchanged)
	if s.Deleted > 0 {
		p.line("deleted:   %d", s.Deleted)
	}
	p.line("rejected:  %d", s.Rejected)
	p.line("seconds:   %.1f (%s)", s.Elapsed.Seconds(), rowRate(s.Rows-s.Earlier, s.Elapsed))
	if s.Earlier > 0 {
		p.line("%d of the rows were finished by an interrupted import", s.Earlier)
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

func rowRate(rows int, elapsed time.Duration) string {
	if elapsed <= 0 {
		return "0 rows/s"
	}
	return fmt.Sprintf("%.0f rows/s", float64(rows)/elapsed.Seconds())
}

// line prints one line in place of the bar. The next progress draws the bar
// again.
func (p *importProgress) line(format string, args ...any) {
	if p.bar != nil {
		p.bar.Clear()
	}
	fmt.Fprintln(p.out, harmless(fmt.Sprintf(format, args...)))
}

// harmless escapes the characters that could control a terminal or reorder a
// line. Text from a file may contain them.
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
