package catalog

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"literank.com/event-books/domain/gateway"
)

// shelves are a few rows in several languages.
var shelves = map[string]string{
	"English":    "title,author\nThe “Dog” – a story,O’Brien\nWuthering Heights,Emily Brontë\n",
	"German":     "titel,verfasser\nÜber die Weiblichkeit,Hedwig Dohm\nDie Räuber,Friedrich Schiller\nStraße,Größe\n",
	"French":     "title,author\nÀ la recherche du temps perdu,Marcel Proust\nL’Œuvre,Émile Zola\nLettres à un ami éloigné,Père Noël\n",
	"Portuguese": "title,author\nOs Lusíadas,Luís de Camões\nA ilustre casa,Eça de Queirós\nMemórias,José Água\n",
	"Japanese":   "タイトル,著者\n吾輩は猫である,夏目漱石\n羅生門,芥川龍之介\nノルウェイの森,村上春樹\n",
	"kanji":      "title,author\n三四郎,夏目漱石\n高瀬舟,森鴎外\n",
	"Russian":    "название,автор\nВойна и мир,Лев Толстой\nИдиот,Фёдор Достоевский\n",
	"Chinese":    "书名,作者\n红楼梦,曹雪芹\n狂人日记,鲁迅\n",
	"Korean":     "title,author\n홍길동전,허균\n무정,이광수\n",
}

func encode(t *testing.T, e encoding.Encoding, text string) string {
	t.Helper()
	encoded, err := e.NewEncoder().String(text)
	require.NoError(t, err)
	return encoded
}

func TestEncodingsAreRecognised(t *testing.T) {
	utf16 := func(order unicode.Endianness, mark unicode.BOMPolicy) encoding.Encoding {
		return unicode.UTF16(order, mark)
	}
	for name, c := range map[string]struct {
		encoding encoding.Encoding
		shelves  []string
		want     string
	}{
		"UTF-8":             {encoding.Nop, []string{"English", "German", "French", "Japanese", "kanji", "Russian", "Chinese", "Korean"}, "UTF-8"},
		"UTF-8 marked":      {unicode.UTF8BOM, []string{"English", "Japanese"}, "UTF-8"},
		"UTF-16LE marked":   {utf16(unicode.LittleEndian, unicode.UseBOM), []string{"English", "German", "Japanese", "Russian"}, "UTF-16"},
		"UTF-16BE marked":   {utf16(unicode.BigEndian, unicode.UseBOM), []string{"English", "Chinese"}, "UTF-16 (big-endian)"},
		"UTF-16LE unmarked": {utf16(unicode.LittleEndian, unicode.IgnoreBOM), []string{"English", "German", "French", "kanji", "Russian", "Japanese"}, "UTF-16"},
		"UTF-16BE unmarked": {utf16(unicode.BigEndian, unicode.IgnoreBOM), []string{"English", "Korean"}, "UTF-16 (big-endian)"},
		"Windows-1252":      {charmap.Windows1252, []string{"English", "German", "French", "Portuguese"}, "Windows-1252"},
		"Shift_JIS":         {japanese.ShiftJIS, []string{"Japanese", "kanji"}, "Shift_JIS"},
	} {
		for _, language := range c.shelves {
			t.Run(name+" "+language, func(t *testing.T) {
				text := shelves[language]
				want := transcript(openText(t, text, gateway.FileOptions{}), titles)
				f := openText(t, encode(t, c.encoding, text), gateway.FileOptions{})
				assert.Equal(t, "CSV in "+c.want, f.Format())
				assert.Equal(t, want, transcript(f, titles))
			})
		}
	}
}

func TestOtherEncodingsAreNotMistaken(t *testing.T) {
	for name, c := range map[string]struct {
		encoding encoding.Encoding
		language string
		label    string
	}{
		"Windows-1251": {charmap.Windows1251, "Russian", "windows-1251"},
		"KOI8-R":       {charmap.KOI8R, "Russian", "koi8-r"},
		"GBK":          {simplifiedchinese.GBK, "Chinese", "gbk"},
		"Big5":         {traditionalchinese.Big5, "kanji", "big5"},
		"EUC-KR":       {korean.EUCKR, "Korean", "euc-kr"},
		"EUC-JP":       {japanese.EUCJP, "Japanese", "euc-jp"},
	} {
		t.Run(name, func(t *testing.T) {
			text := shelves[c.language]
			if c.encoding == traditionalchinese.Big5 {
				text = "title,author\n紅樓夢,曹雪芹\n狂人日記,魯迅\n"
			}
			encoded := encode(t, c.encoding, text)
			_, err := Open("-", gateway.FileOptions{Stdin: strings.NewReader(encoded)})
			assert.ErrorContains(t, err, "name it with --encoding")
			f := openText(t, encoded, gateway.FileOptions{Encoding: c.label})
			assert.Equal(t, "CSV in "+c.label, f.Format())
			assert.Equal(t, transcript(openText(t, text, gateway.FileOptions{}), titles), transcript(f, titles))
		})
	}
}

// One bad row doesn't change the encoding of the file.
func TestMostlyUTF8IsUTF8(t *testing.T) {
	f := openText(t, shelves["Russian"]+"\xff\xfe,x\n", gateway.FileOptions{})
	assert.Equal(t, "CSV in UTF-8", f.Format())
	assert.Equal(t, []string{"2 Война и мир", "3 Идиот", "line 4: cell 1 is not valid UTF-8; if the file has another encoding, name it with --encoding"},
		transcript(f, titles))
}

func TestOneBadByteAmongFewGoodOnes(t *testing.T) {
	text := "title,author\nCafé 1,Müller\nCafé 2,Müller\nCaf\xe9 3,x\n" + strings.Repeat("Emma,Austen\n", 20)
	f := openText(t, text, gateway.FileOptions{})
	assert.Equal(t, "CSV in UTF-8", f.Format())
	assert.Contains(t, transcript(f, titles), "2 Café 1")
}

// Rejected rows are in UTF-8, even if the encoding of their first file had to be
// named.
func TestUTF8IsReadAsUTF8WhateverIsNamed(t *testing.T) {
	for _, mark := range []string{"", "\uFEFF"} {
		f := openText(t, mark+shelves["Russian"], gateway.FileOptions{Encoding: "windows-1251"})
		assert.Equal(t, []string{"2 Война и мир", "3 Идиот"}, transcript(f, titles))
	}
}

// The first letter beyond ASCII is after the first sample.
func TestEncodingShowsLate(t *testing.T) {
	text := "title\n" + strings.Repeat("Emma\n", sampleSize/4) + "Die R\xe4uber\n"
	path := filepath.Join(t.TempDir(), "late.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	f, err := Open(path, gateway.FileOptions{})
	require.NoError(t, err)
	defer f.Close()
	assert.Equal(t, "CSV in Windows-1252", f.Format())
	lines := transcript(f, titles)
	assert.Equal(t, fmt.Sprintf("%d Die Räuber", sampleSize/4+2), lines[len(lines)-1])

	require.NoError(t, os.WriteFile(path, gzipped(t, text), 0o600))
	packed, err := Open(path, gateway.FileOptions{})
	require.NoError(t, err)
	defer packed.Close()
	assert.Equal(t, "CSV in Windows-1252, gzip", packed.Format())
}

func TestBytesThatAreNotOfTheEncoding(t *testing.T) {
	text := encode(t, japanese.ShiftJIS, shelves["Japanese"]) + "\x82\n"
	assert.Equal(t, []string{"2 吾輩は猫である", "3 羅生門", "4 ノルウェイの森", "line 5: the row has 1 cells, the header 2"},
		transcript(openText(t, text, gateway.FileOptions{}), titles))
	text = encode(t, japanese.ShiftJIS, shelves["Japanese"]) + "\x82,x\n"
	assert.Contains(t, transcript(openText(t, text, gateway.FileOptions{}), titles), "line 5: has bytes that are not Shift_JIS")
}

func FuzzCharset(f *testing.F) {
	for _, text := range shelves {
		f.Add([]byte(text))
	}
	f.Add([]byte("\xff\xfet\x00\x00\xd8"))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := detectCharset(data, nil)
		if err != nil {
			return
		}
		f, err := Open("-", gateway.FileOptions{Stdin: bytes.NewReader(data)})
		if err != nil {
			return
		}
		if !strings.Contains(f.Format(), found.name) {
			t.Errorf("%s is not %s", f.Format(), found.name)
		}
		_, _ = readAll(t, f)
	})
}
