package catalog

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// sampleSize is how much of a text tells its encoding, in bytes.
const sampleSize = 256 << 10

// A charset is an encoding of text with the name that is shown. UTF-8 has no
// decoder: it is taken as it is, and invalid bytes are found row by row.
type charset struct {
	name    string
	decoder encoding.Encoding
}

var (
	utf8Charset     = charset{name: "UTF-8"}
	utf16LE         = charset{"UTF-16", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)}
	utf16BE         = charset{"UTF-16 (big-endian)", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)}
	windows1252     = charset{"Windows-1252", charmap.Windows1252}
	shiftJIS        = charset{"Shift_JIS", japanese.ShiftJIS}
	errNoEncoding   = fmt.Errorf("the encoding is not recognised: --encoding names it, such as --encoding windows-1251")
	byteOrderMarked = []struct {
		mark    string
		charset charset
	}{{"\xEF\xBB\xBF", utf8Charset}, {"\xFF\xFE", utf16LE}, {"\xFE\xFF", utf16BE}}
)

// namedCharset knows the labels of the Encoding Standard (WHATWG).
func namedCharset(label string) (charset, error) {
	e, err := htmlindex.Get(label)
	if err != nil {
		return charset{}, fmt.Errorf("--encoding: there is no encoding %q; some are utf-8, windows-1252, utf-16le, shift_jis, windows-1251, gbk, big5, euc-kr", label)
	}
	name, err := htmlindex.Name(e)
	if err != nil {
		return charset{}, fmt.Errorf("--encoding %s: %w", label, err)
	}
	for _, known := range []charset{windows1252, shiftJIS, utf16LE, utf16BE} {
		if canonical, _ := htmlindex.Name(known.decoder); canonical == name {
			return known, nil
		}
	}
	if name == "utf-8" {
		return utf8Charset, nil
	}
	return charset{name, e}, nil
}

// reader gives the text in UTF-8; what can't be decoded is U+FFFD.
func (c charset) reader(in *bufio.Reader) *bufio.Reader {
	for _, marked := range byteOrderMarked {
		if start, _ := in.Peek(len(marked.mark)); string(start) == marked.mark && marked.charset.name == c.name {
			_, _ = in.Discard(len(marked.mark))
			break
		}
	}
	if c.decoder == nil {
		return in
	}
	return bufio.NewReaderSize(transform.NewReader(in, c.decoder.NewDecoder()), bufferSize)
}

// isASCII reports whether the sample says nothing of the encoding.
func isASCII(sample []byte) bool {
	for _, b := range sample {
		if b >= utf8.RuneSelf || b == 0 {
			return false
		}
	}
	return true
}

// detectCharset recognises UTF-8, UTF-16, Shift_JIS and Windows-1252 by a
// sample that need not end with a whole character. declared is what the text
// says of itself, if it does; it counts where the bytes don't prove otherwise.
func detectCharset(sample []byte, declared *charset) (charset, error) {
	for _, marked := range byteOrderMarked {
		if bytes.HasPrefix(sample, []byte(marked.mark)) {
			return marked.charset, nil
		}
	}
	well, ill := countUTF8(sample)
	if order, ok := unmarkedUTF16(sample); ok {
		return order, nil
	}
	switch {
	case well > 0 && ill <= well: // rows with other bytes are rejected
		return utf8Charset, nil
	case declared != nil && declared.decoder != nil:
		return *declared, nil
	case ill == 0:
		return utf8Charset, nil
	case isShiftJIS(sample):
		return shiftJIS, nil
	case isWindows1252(sample):
		return windows1252, nil
	}
	return charset{}, errNoEncoding
}

// unmarkedUTF16 finds the zeros of ASCII characters in UTF-16, all in even or
// all in odd places. Of other scripts at least separators and line breaks are
// such; a text in another encoding has hardly ever a NUL.
func unmarkedUTF16(sample []byte) (charset, bool) {
	var zeros [2]int
	for i, b := range sample {
		if b == 0 {
			zeros[i%2]++
		}
	}
	most, least := max(zeros[0], zeros[1]), min(zeros[0], zeros[1])
	many := most*4 >= len(sample)
	some := most >= 3 && most*50 >= len(sample)
	if least*10 > most || !many && !some {
		return charset{}, false
	}
	if zeros[1] > zeros[0] {
		return utf16LE, true
	}
	return utf16BE, true
}

// isUTF8 reports whether a text beyond ASCII is UTF-8 without doubt.
func isUTF8(sample []byte) bool {
	well, ill := countUTF8(sample)
	return well > 0 && ill == 0 || bytes.HasPrefix(sample, []byte("\xEF\xBB\xBF"))
}

// countUTF8 counts the characters beyond ASCII and the bytes that belong to none.
func countUTF8(sample []byte) (well, ill int) {
	for len(sample) > 0 {
		r, size := utf8.DecodeRune(sample)
		switch {
		case r == utf8.RuneError && size == 1:
			if !utf8.FullRune(sample) {
				return well, ill // cut off
			}
			ill++
		case size > 1:
			well++
		}
		sample = sample[size:]
	}
	return well, ill
}

// isShiftJIS finds text in two-byte characters of the rows that Japanese uses
// most: kana and the kanji of JIS level 1. Windows-1252 may happen to decode as
// well, but hardly ever has one byte beyond ASCII after the other.
func isShiftJIS(sample []byte) bool {
	pairs, both, common, single, bad := 0, 0, 0, 0, 0
	for i := 0; i < len(sample); i++ {
		b := sample[i]
		switch {
		case b < 0x80:
		case b >= 0xA1 && b <= 0xDF: // half-width katakana
			single++
		case b >= 0x81 && b <= 0x9F || b >= 0xE0 && b <= 0xFC:
			if i+1 == len(sample) {
				continue
			}
			trail := sample[i+1]
			if trail < 0x40 || trail == 0x7F || trail > 0xFC {
				bad++
				continue
			}
			i++
			pairs++
			if trail >= 0x80 {
				both++
			}
			if b >= 0x81 && b <= 0x83 || b >= 0x88 && b <= 0x97 {
				common++
			}
		default:
			bad++
		}
	}
	return pairs > 0 && bad*10 <= pairs && single*4 <= pairs && both*10 >= pairs*3 && common*2 >= pairs
}

// isWindows1252 finds text of a Latin script: its letters beyond ASCII stand
// between others. Long runs of them are another script in another encoding.
func isWindows1252(sample []byte) bool {
	high, inRuns, run := 0, 0, 0
	end := func() {
		if run >= 3 {
			inRuns += run
		}
		run = 0
	}
	for _, b := range sample {
		switch {
		case b == 0x81 || b == 0x8D || b == 0x8F || b == 0x90 || b == 0x9D:
			return false // not assigned
		case b < 0x20 && b != '\t' && b != '\n' && b != '\r':
			return false
		case b < 0x80:
			end()
		default:
			high++
			run++
		}
	}
	end()
	return inRuns*4 <= high
}

// sampleBeyondASCII reads on until the encoding shows. It returns nil if it
// never does.
func sampleBeyondASCII(in io.Reader) ([]byte, error) {
	block := make([]byte, sampleSize)
	for {
		n, err := io.ReadFull(in, block)
		if !isASCII(block[:n]) {
			return block[:n], nil
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

var xmlEncoding = regexp.MustCompile(`^\s*<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']`)

// declaredCharset is what an XML declaration says, nil if it says nothing or
// nothing known.
func declaredCharset(sample []byte) *charset {
	m := xmlEncoding.FindSubmatch(sample[:min(len(sample), 1<<10)])
	if m == nil || bytes.HasPrefix(bytes.ToLower(m[1]), []byte("utf-16")) { // which could not be read like this
		return nil
	}
	declared, err := namedCharset(string(m[1]))
	if err != nil {
		return nil
	}
	return &declared
}
