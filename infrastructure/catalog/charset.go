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

// sampleSize is the size of the sample that encodings are detected in, in bytes.
const sampleSize = 256 << 10

// A charset is an encoding of text with its name for people. UTF-8 has no
// decoder: the readers find invalid bytes row by row.
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
	errNoEncoding   = fmt.Errorf("the encoding is not recognised: name it with --encoding, such as --encoding windows-1251")
	byteOrderMarked = []struct {
		mark    string
		charset charset
	}{{"\xEF\xBB\xBF", utf8Charset}, {"\xFF\xFE", utf16LE}, {"\xFE\xFF", utf16BE}}
)

// namedCharset returns the charset for a label of the Encoding Standard (WHATWG).
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

// reader returns the text in UTF-8. Bytes that can't be decoded become U+FFFD.
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

// isASCII reports whether the sample is all ASCII, and so fits most encodings.
func isASCII(sample []byte) bool {
	for _, b := range sample {
		if b >= utf8.RuneSelf || b == 0 {
			return false
		}
	}
	return true
}

// detectCharset recognises UTF-8, UTF-16, Shift_JIS and Windows-1252 in a sample,
// which may end within a character. declared is the encoding that the text itself
// declares, or nil. It is used unless the bytes prove another one.
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
	case well > 0 && ill <= well: // the reader will reject the rows with other bytes
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

// unmarkedUTF16 detects UTF-16 without a byte order mark by its zero bytes: ASCII
// characters have them all at even or all at odd positions. Other scripts have
// ASCII separators and line breaks too. Text in other encodings has hardly any
// zero bytes.
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

// isUTF8 reports whether a text can only be UTF-8. ASCII alone is no proof.
func isUTF8(sample []byte) bool {
	well, ill := countUTF8(sample)
	return well > 0 && ill == 0 || bytes.HasPrefix(sample, []byte("\xEF\xBB\xBF"))
}

// countUTF8 counts the characters beyond ASCII, and the invalid bytes.
func countUTF8(sample []byte) (well, ill int) {
	for len(sample) > 0 {
		r, size := utf8.DecodeRune(sample)
		switch {
		case r == utf8.RuneError && size == 1:
			if !utf8.FullRune(sample) {
				return well, ill // the sample ends within a character
			}
			ill++
		case size > 1:
			well++
		}
		sample = sample[size:]
	}
	return well, ill
}

// isShiftJIS recognises text by two-byte characters from the rows that Japanese
// uses most: kana and the kanji of JIS level 1. Windows-1252 text may decode too,
// but it hardly ever has two bytes beyond ASCII in a row.
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

// isWindows1252 recognises text in a Latin script: its letters beyond ASCII stand
// between ASCII letters. Long runs of them mean another script and encoding.
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

// sampleBeyondASCII returns the first sample that isn't all ASCII, or nil if there
// is none.
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

// declaredCharset returns the encoding that an XML declaration names, or nil if
// it names none or an unknown one.
func declaredCharset(sample []byte) *charset {
	m := xmlEncoding.FindSubmatch(sample[:min(len(sample), 1<<10)])
	if m == nil || bytes.HasPrefix(bytes.ToLower(m[1]), []byte("utf-16")) { // if it were true, the declaration could not be read
		return nil
	}
	declared, err := namedCharset(string(m[1]))
	if err != nil {
		return nil
	}
	return &declared
}
