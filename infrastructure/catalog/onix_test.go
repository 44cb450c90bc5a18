package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
)

// onix3 and onix21 describe one book in the same way.
const onix3 = `<?xml version="1.0" encoding="UTF-8"?>
<ONIXMessage release="3.0" xmlns="http://ns.editeur.org/onix/3.0/reference">
<Header><Sender><SenderName>A Sender</SenderName></Sender><DefaultCurrencyCode>EUR</DefaultCurrencyCode></Header>
<!-- <Product> in a comment </Product> -->
<Product>
 <RecordReference>ref-1</RecordReference><NotificationType>03</NotificationType>
 <ProductIdentifier><ProductIDType>02</ProductIDType><IDValue>0306406152</IDValue></ProductIdentifier>
 <ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>9780306406157</IDValue></ProductIdentifier>
 <DescriptiveDetail>
  <Collection><TitleDetail><TitleType>01</TitleType><TitleElement><TitleElementLevel>02</TitleElementLevel><TitleText>A Series</TitleText></TitleElement>
   <TitleElement><TitleElementLevel>01</TitleElementLevel><PartNumber>3</PartNumber></TitleElement></TitleDetail></Collection>
  <TitleDetail><TitleType>10</TitleType><TitleElement><TitleElementLevel>01</TitleElementLevel><TitleText>TRADE TITLE</TitleText></TitleElement></TitleDetail>
  <TitleDetail><TitleType>01</TitleType><TitleElement><TitleElementLevel>01</TitleElementLevel><TitlePrefix>The</TitlePrefix>
   <TitleWithoutPrefix>Œuvre &amp; Life</TitleWithoutPrefix><Subtitle>A Story</Subtitle></TitleElement></TitleDetail>
  <Contributor><SequenceNumber>2</SequenceNumber><ContributorRole>A01</ContributorRole><PersonNameInverted>Wahl, Per</PersonNameInverted></Contributor>
  <Contributor><SequenceNumber>1</SequenceNumber><ContributorRole>A01</ContributorRole><NamesBeforeKey>Maria</NamesBeforeKey><PrefixToKey>von</PrefixToKey><KeyNames>Ebner</KeyNames>
   <AlternativeName><NameType>02</NameType><NamesBeforeKey>Maria</NamesBeforeKey><PrefixToKey>von</PrefixToKey><KeyNames>Ebner-Eschenbach</KeyNames></AlternativeName></Contributor>
  <Contributor><SequenceNumber>3</SequenceNumber><ContributorRole>B06</ContributorRole><PersonName>A Translator</PersonName></Contributor>
  <EditionNumber>2</EditionNumber>
  <Language><LanguageRole>02</LanguageRole><LanguageCode>swe</LanguageCode></Language>
  <Language><LanguageRole>01</LanguageRole><LanguageCode>ger</LanguageCode></Language>
  <Subject><SubjectSchemeIdentifier>93</SubjectSchemeIdentifier><SubjectCode>FFP</SubjectCode></Subject>
  <Subject><SubjectSchemeIdentifier>20</SubjectSchemeIdentifier><SubjectHeadingText>sea; islands ;sea</SubjectHeadingText></Subject>
 </DescriptiveDetail>
 <CollateralDetail>
  <TextContent><TextType>02</TextType><Text>Short.</Text></TextContent>
  <TextContent><TextType>03</TextType><Text textformat="05"><p>One <em>fine</em> day.</p><p>Two &lt; three.</p></Text></TextContent>
  <SupportingResource><ResourceContentType>01</ResourceContentType><ResourceVersion><ResourceLink>https://example.com/c.jpg</ResourceLink></ResourceVersion></SupportingResource>
 </CollateralDetail>
 <PublishingDetail><Imprint><ImprintName>An Imprint</ImprintName></Imprint>
  <Publisher><PublishingRole>01</PublishingRole><PublisherName>A Publisher</PublisherName></Publisher>
  <PublishingDate><PublishingDateRole>11</PublishingDateRole><Date dateformat="05">1968</Date></PublishingDate>
  <PublishingDate><PublishingDateRole>01</PublishingDateRole><Date dateformat="00">20060807</Date></PublishingDate></PublishingDetail>
 <ProductSupply><SupplyDetail><ProductAvailability>21</ProductAvailability><Stock><OnHand>7</OnHand></Stock>
  <Price><PriceType>01</PriceType><PriceAmount>9.00</PriceAmount><CurrencyCode>CHF</CurrencyCode></Price>
  <Price><PriceType>02</PriceType><PriceAmount>12.90</PriceAmount></Price></SupplyDetail></ProductSupply>
</Product>
</ONIXMessage>
`

const onix21 = `<!DOCTYPE ONIXmessage SYSTEM "http://www.editeur.org/onix/2.1/short/onix-international.dtd">
<ONIXmessage><header><m174>A Sender</m174><m186>EUR</m186></header>
<product><a001>ref-1</a001><a002>03</a002>
<productidentifier><b221>15</b221><b244>9780306406157</b244></productidentifier>
<series><b018>A Series</b018><b019>3</b019></series>
<title><b202>01</b202><b030>The</b030><b031>&OElig;uvre &amp; Life</b031><b029>A Story</b029></title>
<contributor><b034>2</b034><b035>A01</b035><b037>Wahl, Per</b037></contributor>
<contributor><b034>1</b034><b035>A01</b035><b036>Maria von Ebner</b036><name><b250>02</b250><b037>Ebner-Eschenbach, Maria von</b037></name></contributor>
<contributor><b034>3</b034><b035>B06</b035><b036>A Translator</b036><name><b036>Nobody</b036></name></contributor>
<b057>2</b057><language><b253>01</b253><b252>ger</b252></language>
<subject><b067>20</b067><b070>sea; islands ;sea</b070></subject>
<othertext><d102>01</d102><d103>02</d103><d104><![CDATA[<p>One <i>fine</i> day.<br>Two &lt; three.</product>]]></d104></othertext>
<mediafile><f114>04</f114><f117>https://example.com/c.tif</f117></mediafile>
<mediafile><f114>06</f114><f117>https://example.com/c.jpg</f117></mediafile>
<publisher><b291>01</b291><b081>A Publisher</b081></publisher><b003>20060807</b003>
<supplydetail><j141>IP</j141><stock><j350>7</j350></stock><price><j148>02</j148><j151>12.90</j151></price></supplydetail>
</product></ONIXmessage>`

func TestONIXReadsABook(t *testing.T) {
	stock := 7
	want := model.Book{
		Title: "The Œuvre & Life: A Story", Author: "Maria von Ebner, Per Wahl", PublishedAt: "2006-08-07",
		Description: "One fine day.\nTwo < three.", ISBN: "9780306406157", Language: "de", Publisher: "A Publisher",
		Subjects: []string{"sea", "islands"}, Series: "A Series, 3", Edition: "2", Price: "12.90", Currency: "EUR",
		Stock: &stock, Availability: model.InStock, CoverURL: "https://example.com/c.jpg",
		AuthorAliases: []string{"Maria von Ebner-Eschenbach"},
	}
	for name, text := range map[string]string{
		"3":                           onix3,
		"2.1":                         onix21,
		"on one line":                 strings.ReplaceAll(strings.ReplaceAll(onix3, "<p>Two", "<p> Two"), "\n", " "),
		"with another case and white": strings.ReplaceAll(strings.ReplaceAll(onix3, "</Product>", "</Product  >"), "<Product>", "<Product\n datestamp='2>1' >"),
	} {
		t.Run(name, func(t *testing.T) {
			f := openText(t, text, gateway.FileOptions{})
			row, err := f.Next()
			require.NoError(t, err)
			assert.Equal(t, want, row.Book)
			assert.Equal(t, "onix:A Sender", row.Source)
			assert.Equal(t, "ref-1", row.ExternalID)
			assert.Empty(t, row.Notes)
			assert.False(t, row.Delete)
			assert.Equal(t, model.SeriesField|model.CoverURLField, row.Fields&(model.SeriesField|model.CoverURLField|model.BuyURLField))
			_, err = f.Next()
			assert.Equal(t, io.EOF, err)
			used, ignored := f.Columns()
			assert.Len(t, used, 17)
			assert.Empty(t, ignored)
		})
	}
}

// onixMessage returns a message with these products.
func onixMessage(products ...string) string {
	return "<ONIXMessage><Header><FromCompany>S</FromCompany></Header>\n" + strings.Join(products, "\n") + "\n</ONIXMessage>\n"
}

func onixProduct(ref, kind, rest string) string {
	return fmt.Sprintf("<Product><RecordReference>%s</RecordReference><NotificationType>%s</NotificationType>%s</Product>", ref, kind, rest)
}

func onixTitle(title string) string {
	return "<Title><TitleType>01</TitleType><TitleText>" + title + "</TitleText></Title>"
}

func TestONIXNotifications(t *testing.T) {
	f := openText(t, onixMessage(
		onixProduct("1", "01", onixTitle("Early")),
		onixProduct("2", "03", onixTitle("Whole")),
		onixProduct("3", "04", "<SupplyDetail><Price><PriceAmount>5.00</PriceAmount></Price></SupplyDetail>"),
		onixProduct("4", "05", ""),
		onixProduct("", "05", ""),
		onixProduct("6", "89", onixTitle("Test")),
		onixProduct("7", "03", ""),
	), gateway.FileOptions{})
	var rows []*model.ImportRow
	var rejected []string
	for {
		row, err := f.Next()
		if err == io.EOF {
			break
		}
		var bad *model.RowError
		if errors.As(err, &bad) {
			rejected = append(rejected, err.Error())
			continue
		}
		require.NoError(t, err)
		rows = append(rows, row)
	}
	require.Len(t, rows, 4)
	assert.Equal(t, "Early", rows[0].Book.Title)
	assert.NotZero(t, rows[1].Fields&model.PriceField, "a whole record without a price clears it")
	assert.Equal(t, model.PriceField, rows[2].Fields, "a partial one changes the fields that it has")
	assert.Equal(t, "5.00", rows[2].Book.Price)
	assert.True(t, rows[3].Delete)
	assert.Equal(t, "4", rows[3].ExternalID)
	assert.Equal(t, []string{
		"line 6: the row has neither id nor ISBN to say which book to delete",
		"line 7: the product is a test record",
		"line 8: the book has no title",
	}, rejected)
}

func TestONIXContributors(t *testing.T) {
	contributor := func(role, name string) string {
		return "<Contributor><ContributorRole>" + role + "</ContributorRole>" + name + "</Contributor>"
	}
	name := func(name string) string { return "<PersonName>" + name + "</PersonName>" }
	for want, contributors := range map[string]string{
		"Ann, Bob":            contributor("A01", name("Ann")) + contributor("A02", name("Bob")) + contributor("B01", name("Ed")) + contributor("A12", name("Illu")),
		"Ed, Eddy":            contributor("B01", name("Ed")) + contributor("A12", name("Illu")) + contributor("B01", name("Eddy")),
		"Illu":                contributor("A12", name("Illu")) + contributor("B06", name("Trans")),
		"Trans":               contributor("B06", name("Trans")) + contributor("E07", name("Reader")),
		"Reader":              contributor("E07", name("Reader")),
		"Bits, Bytes & Sons":  contributor("A01", "<CorporateName>Bits, Bytes &amp; Sons</CorporateName>"),
		"Lindon Bates Jr.":    contributor("A01", "<PersonNameInverted>Bates, Lindon, Jr.</PersonNameInverted>"),
		"Plato":               contributor("A01", "<KeyNames>Plato</KeyNames>"),
		"Ann B. van der Meer": contributor("A01", "<NamesBeforeKey>Ann B.</NamesBeforeKey><PrefixToKey>van der</PrefixToKey><KeyNames>Meer</KeyNames>"),
		"":                    "",
	} {
		row, err := openText(t, onixMessage(onixProduct("1", "03", onixTitle("T")+contributors)), gateway.FileOptions{}).Next()
		require.NoError(t, err)
		assert.Equal(t, want, row.Book.Author)
	}
}

func TestONIXBadProducts(t *testing.T) {
	good := func(n int) string { return onixProduct(fmt.Sprint(n), "03", onixTitle(fmt.Sprintf("Good %d", n))) }
	deep := strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100)
	for name, c := range map[string]struct{ bad, want string }{
		"not well-formed":     {"<Product><Title></Product>", "not well-formed XML: element <Title> closed by </Product>"},
		"an unknown entity":   {onixProduct("9", "03", onixTitle("&publisher;")), "not well-formed XML: invalid character entity &publisher;"},
		"not closed":          {"<Product><RecordReference>9</RecordReference>", "the product is not closed before the next one begins"},
		"not UTF-8":           {onixProduct("9", "03", onixTitle("\xff")), "is not valid UTF-8; if the file has another encoding, name it with --encoding"},
		"too deep":            {onixProduct("9", "03", deep), "has more than 50000 elements, or more than 64 one inside the other"},
		"too many elements":   {onixProduct("9", "03", strings.Repeat("<a/>", 30_000)), "has more than 50000 elements, or more than 64 one inside the other"},
		"too long":            {onixProduct("9", "03", onixTitle(strings.Repeat("x", 4<<20))), "the product is longer than 4194304 bytes"},
		"empty":               {"<Product/>", "the book has no title"},
		"a heart":             {onixProduct("9", "03", onixTitle("I <3 it, don't you")), "not well-formed XML: invalid XML name: 3"},
		"an open attribute":   {onixProduct("9", "03", "<Text textformat=\"02>x</Text>"), "not well-formed XML: unescaped < inside quoted string"},
		"text with a bracket": {onixProduct("9", "03", onixTitle("a < b")), "not well-formed XML: expected element name after <"},
	} {
		t.Run(name, func(t *testing.T) {
			text := onixMessage(good(1), c.bad, good(2))
			f := openText(t, text, gateway.FileOptions{Encoding: "utf-8"})
			assert.Equal(t, []string{"2 Good 1", "line 3: " + c.want, "4 Good 2"}, transcript(f, titles))
		})
	}
}

func TestONIXIsNeverExpandedOrFetched(t *testing.T) {
	bomb := `<!ENTITY a "aaaaaaaaaa">`
	for c := 'b'; c <= 'k'; c++ {
		bomb += fmt.Sprintf(`<!ENTITY %c "%s">`, c, strings.Repeat(fmt.Sprintf("&%c;", c-1), 10))
	}
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o600))
	text := `<!DOCTYPE ONIXMessage [` + bomb + `<!ENTITY file SYSTEM "file://` + secret + `"> <!-- it's ]> --> ]>` +
		onixMessage(onixProduct("1", "03", onixTitle("&k;")), onixProduct("2", "03", onixTitle("&file;")), onixProduct("3", "03", onixTitle("Good")))
	assert.Equal(t, []string{
		"line 2: not well-formed XML: invalid character entity &k;",
		"line 3: not well-formed XML: invalid character entity &file;",
		"4 Good",
	}, transcript(openText(t, text, gateway.FileOptions{}), titles))
}

func TestONIXCutOff(t *testing.T) {
	text := onixMessage(onixProduct("1", "03", onixTitle("One")), onixProduct("2", "03", onixTitle("Two")))
	end := strings.Index(text, "<Product><RecordReference>2")
	for _, cut := range []int{len(text) - 3, end + 70, end + 3, end} {
		got := transcript(openText(t, text[:cut], gateway.FileOptions{}), titles)
		assert.Equal(t, "2 One", got[0])
		assert.Contains(t, got[len(got)-1], "end: the file is cut off after line")
	}
	_, err := Open("-", gateway.FileOptions{Stdin: strings.NewReader(text[:20])})
	assert.ErrorContains(t, err, "cut off")
}

func TestONIXEncodings(t *testing.T) {
	declare := func(name string) string { return `<?xml version="1.0" encoding="` + name + `"?>` }
	message := onixMessage(onixProduct("1", "03", onixTitle("Die Räuber – “Œuvre”")))
	for name, c := range map[string]struct{ text, encoding string }{
		"declared":                 {encode(t, charmap.Windows1252, declare("ISO-8859-1")+message), "Windows-1252"},
		"declared UTF-8, is not":   {encode(t, charmap.Windows1252, declare("UTF-8")+message), "Windows-1252"},
		"declared Latin-1, is not": {declare("ISO-8859-1") + message, "UTF-8"},
		"declared UTF-16, is not":  {declare("UTF-16") + message, "UTF-8"},
		"declared unknown":         {declare("x-mine") + message, "UTF-8"},
		"not declared":             {encode(t, charmap.Windows1252, message), "Windows-1252"},
	} {
		t.Run(name, func(t *testing.T) {
			f := openText(t, c.text, gateway.FileOptions{})
			assert.Equal(t, "ONIX in "+c.encoding, f.Format())
			row, err := f.Next()
			require.NoError(t, err)
			assert.Equal(t, "Die Räuber – “Œuvre”", row.Book.Title)
		})
	}
	russian := encode(t, charmap.Windows1251, declare("windows-1251")+onixMessage(onixProduct("1", "03", onixTitle("Война и мир"))))
	row, err := openText(t, russian, gateway.FileOptions{}).Next()
	require.NoError(t, err)
	assert.Equal(t, "Война и мир", row.Book.Title)
}

func TestONIXWithoutASender(t *testing.T) {
	text := strings.Replace(onixMessage(onixProduct("1", "03", onixTitle("One"))), "<FromCompany>S</FromCompany>", "", 1)
	row, err := openText(t, text, gateway.FileOptions{}).Next()
	require.NoError(t, err)
	assert.Empty(t, row.ExternalID, "the references of two publishers would be mixed up")
	path := filepath.Join(t.TempDir(), "publisher.xml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	f, err := Open(path, gateway.FileOptions{})
	require.NoError(t, err)
	defer f.Close()
	assert.Equal(t, "publisher.xml", f.Source())
}

func TestTwoMessagesInOneFile(t *testing.T) {
	text := onixMessage(onixProduct("1", "03", onixTitle("One"))) + "<!-- more -->\n"
	assert.Equal(t, []string{"2 One"}, transcript(openText(t, text, gateway.FileOptions{}), titles))
	got := transcript(openText(t, text+onixMessage(onixProduct("2", "03", onixTitle("Two"))), gateway.FileOptions{}), titles)
	require.Len(t, got, 2)
	assert.Contains(t, got[1], "something follows the end of the message")
}

func TestONIXControlCharacters(t *testing.T) {
	row, err := openText(t, onixMessage(onixProduct("1", "03", onixTitle("A\x0bB"))), gateway.FileOptions{}).Next()
	require.NoError(t, err)
	assert.Equal(t, "A B", row.Book.Title)
	assert.Equal(t, []string{"control characters replaced by spaces: XML does not allow them"}, row.Notes)
}

// onixBook reads a message with one product, as of 2024-06-15.
func onixBook(t *testing.T, rest string) model.Book {
	t.Helper()
	f := openText(t, onixMessage(onixProduct("1", "03", rest)), gateway.FileOptions{})
	f.rows.(*onixReader).in.Today = "2024-06-15"
	row, err := f.Next()
	require.NoError(t, err)
	return row.Book
}

func onixElement(level, inside string) string {
	return "<TitleElement><TitleElementLevel>" + level + "</TitleElementLevel>" + inside + "</TitleElement>"
}

func TestONIXTitles(t *testing.T) {
	detail := func(elements string) string {
		return "<TitleDetail><TitleType>01</TitleType>" + elements + "</TitleDetail>"
	}
	collection := onixElement("02", "<NoPrefix/><TitleWithoutPrefix>Tide Tables</TitleWithoutPrefix>")
	for want, titles := range map[string]string{
		"Tide Tables, Volume 2":         detail(collection + onixElement("01", "<PartNumber>Volume 2</PartNumber>") + "<TitleStatement>Tide tables, vol. 2</TitleStatement>"),
		"Tide Tables, North, Part 3":    detail(onixElement("01", "<PartNumber>Part 3</PartNumber>") + collection + onixElement("03", "<TitleText>North</TitleText>")),
		"Tide Tables, Volume 3: Storms": detail(collection + onixElement("01", "<PartNumber>Volume 3</PartNumber><Subtitle>Storms</Subtitle>")),
		"Tide Tables, 2012":             detail(collection + onixElement("01", "<YearOfAnnual>2012</YearOfAnnual>")),
		"Ebb":                           detail(collection + onixElement("01", "<TitleText>Ebb</TitleText>")),
		"Ebb, Book One":                 detail(onixElement("01", "<PartNumber>Book One</PartNumber><TitleText>Ebb</TitleText>")),
		"Tide Tables, 7":                detail(onixElement("01", "<PartNumber>7</PartNumber>")) + "<Collection><TitleDetail><TitleType>01</TitleType>" + collection + "</TitleDetail></Collection>",
		"L'encre: notes":                detail(onixElement("01", "<TitlePrefix>L'</TitlePrefix><TitleWithoutPrefix>encre</TitleWithoutPrefix><Subtitle>notes</Subtitle>")),
		"D’un port":                     detail(onixElement("01", "<TitlePrefix>D’</TitlePrefix><TitleWithoutPrefix>un port</TitleWithoutPrefix>")),
		"al-Bahr":                       detail(onixElement("01", "<TitlePrefix>al-</TitlePrefix><TitleWithoutPrefix>Bahr</TitleWithoutPrefix>")),
		"The Ebb":                       detail(onixElement("01", "<TitlePrefix>The</TitlePrefix><TitleWithoutPrefix>Ebb</TitleWithoutPrefix>")),
		"Only a statement":              detail(onixElement("01", "<PartNumber>1</PartNumber>") + "<TitleStatement>Only a statement</TitleStatement>"),
		"L'encre (2.1)":                 "<Title><TitleType>01</TitleType><TitlePrefix>L'</TitlePrefix><TitleWithoutPrefix>encre (2.1)</TitleWithoutPrefix></Title>",
		"Salt & Road, café – M":         detail(onixElement("01", "<TitleText>Salt & Road, caf&eacute; &#150;&#x1F;&#0;M</TitleText>")),
	} {
		assert.Equal(t, want, onixBook(t, "<DescriptiveDetail>"+titles+"</DescriptiveDetail>").Title)
	}
}

func TestONIXNames(t *testing.T) {
	for want, contributors := range map[string]string{
		"Jean d'Ormes":  "<ContributorRole>A01</ContributorRole><NamesBeforeKey>Jean</NamesBeforeKey><PrefixToKey>d'</PrefixToKey><KeyNames>Ormes</KeyNames>",
		"Jan van Ormes": "<ContributorRole>A01</ContributorRole><NamesBeforeKey>Jan</NamesBeforeKey><PrefixToKey>van</PrefixToKey><KeyNames>Ormes</KeyNames>",
		"Various":       "<ContributorRole>A01</ContributorRole><UnnamedPersons>04</UnnamedPersons></Contributor><Contributor><ContributorRole>B06</ContributorRole><PersonName>Tess Lator</PersonName>",
	} {
		assert.Equal(t, want, onixBook(t, onixTitle("T")+"<Contributor>"+contributors+"</Contributor>").Author)
	}
}

func TestONIXPrices(t *testing.T) {
	price := func(amount string, more string) string {
		return "<Price>" + more + "<PriceAmount>" + amount + "</PriceAmount><CurrencyCode>EUR</CurrencyCode></Price>"
	}
	kind := func(kind string) string { return "<PriceType>" + kind + "</PriceType>" }
	dated := func(role, date string) string {
		return "<PriceDate><PriceDateRole>" + role + "</PriceDateRole><Date dateformat=\"00\">" + date + "</Date></PriceDate>"
	}
	for name, c := range map[string]struct{ prices, want string }{
		"a library's first":     {price("99.00", kind("02")+"<PriceQualifier>06</PriceQualifier>") + price("9.99", kind("02")+"<PriceQualifier>05</PriceQualifier>"), "9.99"},
		"none before members":   {price("5.00", kind("02")+"<PriceQualifier>01</PriceQualifier>") + price("9.99", kind("02")), "9.99"},
		"with tax":              {price("9.00", kind("01")) + price("9.99", kind("02")), "9.99"},
		"consumers before tax":  {price("99.00", kind("02")+"<PriceQualifier>10</PriceQualifier>") + price("9.00", kind("01")), "9.00"},
		"not the shop's own":    {price("4.00", kind("05")) + price("9.00", kind("01")), "9.00"},
		"only the shop's own":   {price("4.00", kind("05")), ""},
		"many copies":           {price("4.00", kind("02")+"<MinimumOrderQuantity>20</MinimumOrderQuantity>") + price("9.00", kind("02")), "9.00"},
		"over":                  {price("5.00", kind("04")+dated("14", "20200101")+dated("15", "20200201")) + price("15.00", kind("04")+dated("14", "20200202")), "15.00"},
		"not yet":               {price("5.00", kind("04")+dated("14", "20240616")) + price("15.00", kind("04")+dated("15", "20240615")), "15.00"},
		"all over":              {price("5.00", kind("04")+dated("15", "20240614")), ""},
		"only later":            {price("7.00", kind("04")+dated("14", "20250101")) + price("6.00", kind("04")+dated("14", "20240801")), "6.00"},
		"a range":               {price("5.00", kind("04")+"<PriceDate><PriceDateRole>24</PriceDateRole><Date dateformat=\"06\">2024010120240131</Date></PriceDate>") + price("8.00", kind("04")), "8.00"},
		"in ONIX 2.1":           {price("5.00", "<PriceTypeCode>02</PriceTypeCode><PriceEffectiveUntil>20200101</PriceEffectiveUntil>") + price("8.00", "<PriceTypeCode>02</PriceTypeCode><PriceEffectiveFrom>20200102</PriceEffectiveFrom>"), "8.00"},
		"three decimals":        {price("1.250", kind("02")), "1.250"},
		"groups":                {price("1.234,50", kind("02")), "1234.50"},
		"a comma":               {price("12,90", kind("02")), "12.90"},
		"a sign":                {price("€ 12,90", kind("02")), "12.90"},
		"free of charge":        {"<UnpricedItemType>01</UnpricedItemType>", "0"},
		"to be announced":       {"<UnpricedItemType>02</UnpricedItemType>", ""},
		"an announced free one": {"<Price><UnpricedItemType>01</UnpricedItemType></Price>", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, onixBook(t, onixTitle("T")+"<SupplyDetail>"+c.prices+"</SupplyDetail>").Price)
		})
	}
}

func TestONIXDates(t *testing.T) {
	date := "<PublishingDetail><PublishingDate><PublishingDateRole>01</PublishingDateRole>%s</PublishingDate></PublishingDetail>"
	assert.Equal(t, "2024", onixBook(t, onixTitle("T")+fmt.Sprintf(date, "<DateFormat>03</DateFormat><Date>20243</Date>")).PublishedAt)
	assert.Equal(t, "2024-11", onixBook(t, onixTitle("T")+fmt.Sprintf(date, `<Date dateformat="02">202445</Date>`)).PublishedAt)
}

func TestONIXKeywords(t *testing.T) {
	keywords := func(text string) []string {
		return onixBook(t, onixTitle("T")+"<Subject><SubjectSchemeIdentifier>20</SubjectSchemeIdentifier><SubjectHeadingText>"+text+"</SubjectHeadingText></Subject>").Subjects
	}
	assert.Equal(t, []string{"sea", "north wind", "islands"}, keywords("sea; north wind, islands"))
	assert.Equal(t, []string{"Austen, Jane", "World War, 1939-1945", "sea"}, keywords("Austen, Jane; World War, 1939-1945; sea"))
	assert.Equal(t, []string{"sea", "islands"}, keywords("sea, islands"))
}

func TestONIXWithNamespacePrefixes(t *testing.T) {
	text := `<?xml version="1.0"?><o:ONIXMessage xmlns:o="http://ns.editeur.org/onix/3.0/short" release="3.0"><o:header><o:sender><o:x298>Tin</o:x298></o:sender></o:header>` +
		"\n<o:product><o:a001>1</o:a001><o:a002>03</o:a002><o:title><o:b202>01</o:b202><o:b203>Emma</o:b203></o:title></o:product>\n<o:product><o:a001>2</o:a001></o:product>\n</o:ONIXMessage>\n"
	f := openText(t, text, gateway.FileOptions{})
	assert.Equal(t, "onix:Tin", f.Source())
	assert.Equal(t, []string{"2 Emma", "line 3: the book has no title"}, transcript(f, titles))
	path := filepath.Join(t.TempDir(), "books.xml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	_, kept := keepRejected(t, path)
	assert.True(t, strings.HasSuffix(kept, "</o:ONIXMessage>\n"))
	assert.Equal(t, []string{"5 Ida"}, transcript(openText(t, strings.Replace(kept, "</o:product>", "<o:title><o:b203>Ida</o:b203></o:title></o:product>", 1), gateway.FileOptions{}), titles))
}

func TestONIXReferences(t *testing.T) {
	for _, text := range []string{"a & b", "x?id=1&size=big", "R&B; &c"} {
		product := onixProduct("1", "03", onixTitle(strings.ReplaceAll(text, "B;", "B")))
		row, err := openText(t, onixMessage(product), gateway.FileOptions{}).Next()
		require.NoError(t, err, text)
		assert.Equal(t, strings.ReplaceAll(text, "B;", "B"), row.Book.Title)
	}
	row, err := openText(t, onixMessage(onixProduct("1", "03", onixTitle("A&#x1F;B&#11;C&#xD800;D&#8211;E"))), gateway.FileOptions{}).Next()
	require.NoError(t, err)
	assert.Equal(t, "A B C D–E", row.Book.Title)
	assert.Equal(t, []string{"control characters replaced by spaces: XML does not allow them"}, row.Notes)
	book := onixBook(t, onixTitle("T")+"<OtherText><TextTypeCode>01</TextTypeCode><TextFormat>02</TextFormat><Text><![CDATA[<p>R&D &amp; more</p>]]></Text></OtherText>")
	assert.Equal(t, "R&D & more", book.Description, "CDATA stays as it is")
}

func TestRealONIX(t *testing.T) {
	folder := os.Getenv("TEST_DATA_DIR")
	if folder == "" {
		t.Skip("TEST_DATA_DIR is not set: it names the folder of real catalogues")
	}
	files, err := filepath.Glob(filepath.Join(folder, "onix", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	books := map[string]model.Book{}
	for _, path := range files {
		f, err := Open(path, gateway.FileOptions{})
		require.NoError(t, err, path)
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		content = bytes.ReplaceAll(content, []byte{0}, nil) // from UTF-16
		products := max(bytes.Count(content, []byte("</Product>")), bytes.Count(content, []byte("</product>")))
		all, err := readAll(t, f)
		require.NoError(t, err, path)
		assert.Equal(t, products, all.rows, path)
		assert.Zero(t, all.rejected, path)
		assert.Equal(t, products, all.isbns, path)
		require.NoError(t, f.Close())
		if strings.Contains(path, "jonix") {
			f, err := Open(path, gateway.FileOptions{})
			require.NoError(t, err)
			row, err := f.Next()
			require.NoError(t, err)
			books[path] = row.Book
			require.NoError(t, f.Close())
		}
	}
	var same []model.Book
	for _, b := range books {
		same = append(same, b)
	}
	require.Len(t, same, 2)
	assert.Equal(t, same[0], same[1], "reference names and short tags give the same book")
	assert.Equal(t, "Maj Sjöwall, Per Wahlöö", same[0].Author)
}

func FuzzONIX(f *testing.F) {
	f.Add([]byte(onix3))
	f.Add([]byte(onix21))
	f.Add([]byte(onixMessage("<Product>", "<![CDATA[ ]]>", "<!-- -- >", "</Product><Product/>")))
	f.Fuzz(func(t *testing.T, data []byte) {
		f, err := Open("-", gateway.FileOptions{Encoding: "utf-8", Stdin: bytes.NewReader(append([]byte("<ONIXMessage><Product></Product>"), data...))})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = readAll(t, f)
	})
}
