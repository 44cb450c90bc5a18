package onix

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog/notation"
)

// message is the information in a header that concerns all products.
type message struct {
	sender   string
	defaults node
	// today is the day for which prices are chosen: 2006-01-02.
	today string
}

func newMessage(header node) message {
	return message{
		sender: cmp.Or(header.get("Sender", "SenderName"), header.get("FromCompany"),
			header.get("Sender", "SenderIdentifier", "IDValue"), header.get("SenderIdentifier", "IDValue"), header.get("FromEANNumber"), header.get("FromPerson")),
		defaults: header,
	}
}

// The codes below come from EDItEUR's code lists; comments give the list's number.

// read fills a product from its XML (ONIX 2.1 or 3), or rejects it.
func (m *message) read(p *node, to *Product) error {
	switch kind := p.get("NotificationType"); kind { // list 1
	case "88", "89":
		return to.reject(model.RowTest, "")
	case "05":
		to.Delete = true
	case "04", "08", "09", "12", "13", "14":
		to.Partial = true
	}
	detail := p
	if inside := p.all("DescriptiveDetail"); len(inside) > 0 {
		detail = inside[0]
	}
	to.Former = formerProduct(p, detail)
	to.ID = p.get("RecordReference")
	to.ISBN = isbnOf(p)
	to.Title = titleOf(detail)
	to.Authors, to.AuthorAliases = authorsOf(detail)
	to.PublishedAt = publishedAtOf(p)
	to.Description = descriptionOf(p)
	to.Language = cmp.Or(codeOf(detail.all("Language"), "LanguageRole", "01", "LanguageCode"),
		detail.get("LanguageOfText"), m.defaults.get("DefaultLanguageOfText"))
	to.Publisher = publisherOf(p)
	to.Subjects = subjectsOf(detail)
	to.Series = seriesOf(detail)
	to.Edition = cmp.Or(detail.get("EditionStatement"), detail.get("EditionNumber"))
	m.supply(p, to)
	to.CoverURL = coverOf(p)
	return nil
}

// publisherOf prefers the publisher in the role 01 (list 45), and any publisher to an
// imprint.
func publisherOf(p *node) string {
	return cmp.Or(
		codeOf(p.all("PublishingDetail", "Publisher"), "PublishingRole", "01", "PublisherName"), p.get("PublishingDetail", "Publisher", "PublisherName"),
		codeOf(p.all("Publisher"), "PublishingRole", "01", "PublisherName"), p.get("Publisher", "PublisherName"), p.get("PublisherName"),
		p.get("PublishingDetail", "Imprint", "ImprintName"), p.get("Imprint", "ImprintName"))
}

// codeOf finds the first node of list in which the element code has the text want,
// such as ProductIDType 15, and returns the text of its element name, such as
// IDValue.
func codeOf(list []*node, code, want, name string) string {
	for _, n := range list {
		if n.get(code) == want {
			return n.get(name)
		}
	}
	return ""
}

// isbnOf prefers ISBN-13 (15) to GTIN-13 (03) and ISBN-10 (02), list 5.
func isbnOf(p *node) string {
	identifiers := p.all("ProductIdentifier")
	candidates := []string{}
	for _, kind := range []string{"15", "03", "02"} {
		candidates = append(candidates, codeOf(identifiers, "ProductIDType", kind, "IDValue"))
	}
	candidates = append(candidates, p.get("ISBN"), p.get("EAN13"))
	for _, candidate := range candidates {
		if isbn, ok := model.ParseISBN(candidate); ok {
			return isbn
		}
	}
	return ""
}

// titleOf prefers the distinctive title (01, list 15). A product that has only a
// part number takes the title of its collection.
func titleOf(detail *node) string {
	titles := slices.Concat(detail.all("TitleDetail"), detail.all("Title"))
	slices.SortStableFunc(titles, func(a, b *node) int {
		return cmp.Compare(titleRank(a.get("TitleType")), titleRank(b.get("TitleType")))
	})
	part, subtitle := "", ""
	for _, title := range titles {
		elements := title.all("TitleElement")
		slices.SortStableFunc(elements, func(a, b *node) int {
			return cmp.Compare(levelOf(a), levelOf(b))
		})
		collection := ""
		for _, element := range append(elements, title) {
			text := titleText(element)
			switch level := levelOf(element); {
			case level == "01" && text != "":
				return withNumber(text, element.get("PartNumber"))
			case level == "01":
				part = cmp.Or(part, element.get("PartNumber"), element.get("YearOfAnnual"))
				subtitle = cmp.Or(subtitle, element.get("Subtitle"))
			case collection == "":
				collection = withNumber(text, element.get("PartNumber"))
			case text != "":
				collection += ", " + withNumber(text, element.get("PartNumber"))
			}
		}
		if collection != "" {
			return withSubtitle(withNumber(collection, part), subtitle)
		}
	}
	if series := collectionName(detail); series != "" && part != "" {
		return withSubtitle(withNumber(series, part), subtitle)
	}
	for _, title := range titles {
		if statement := title.get("TitleStatement"); statement != "" {
			return statement
		}
	}
	return detail.get("DistinctiveTitle")
}

// levelOf is the level of an element of a title (list 149): 01 is the product, the
// others are collections.
func levelOf(element *node) string { return cmp.Or(element.get("TitleElementLevel"), "01") }

func titleRank(kind string) int {
	if kind == "01" {
		return 0
	}
	return 1
}

func titleText(n *node) string {
	text := n.get("TitleText")
	if text == "" {
		text = joinPrefix(n.get("TitlePrefix"), n.get("TitleWithoutPrefix"))
	}
	return withSubtitle(text, n.get("Subtitle"))
}

func withSubtitle(title, subtitle string) string {
	if title == "" || subtitle == "" {
		return title
	}
	return title + ": " + subtitle
}

// joinPrefix puts a prefix before a title or a name, without a blank after an
// elided one such as "L'" or "al-".
func joinPrefix(prefix, rest string) string {
	if last := []rune(prefix); len(last) > 0 && strings.ContainsRune("'’ʼ‘`-‐‑", last[len(last)-1]) {
		return prefix + rest
	}
	return strings.TrimSpace(prefix + " " + rest)
}

// authorsOf returns the authors: roles A01 to A09 of list 17, else the editors
// (B01), else all contributors. aliases are other names of them.
func authorsOf(detail *node) (names, aliases []string) {
	contributors := detail.all("Contributor")
	slices.SortStableFunc(contributors, func(a, b *node) int {
		return cmp.Compare(sequence(a), sequence(b))
	})
	for _, role := range []string{"A0", "B01", "A", "B", ""} {
		for _, c := range contributors {
			takes := func(n *node) bool { return strings.HasPrefix(n.line(), role) }
			if role != "" && !slices.ContainsFunc(c.all("ContributorRole"), takes) {
				continue
			}
			if name := contributorName(c); name != "" && !slices.Contains(names, name) {
				names = append(names, name)
				aliases = append(aliases, aliasesOf(c)...)
			}
		}
		if len(names) > 0 {
			return names, aliases
		}
	}
	return nil, nil
}

// aliasesOf returns the other names of a contributor: AlternativeName of ONIX 3, Name of 2.1.
func aliasesOf(c *node) (aliases []string) {
	for _, other := range slices.Concat(c.all("AlternativeName"), c.all("Name")) {
		if name := contributorName(other); name != "" {
			aliases = append(aliases, name)
		}
	}
	return aliases
}

func sequence(n *node) int {
	number, err := strconv.Atoi(n.get("SequenceNumber"))
	if err != nil {
		return 1 << 30
	}
	return number
}

func contributorName(c *node) string {
	if key := c.get("KeyNames"); key != "" && c.get("NamesBeforeKey") != "" {
		name := c.get("NamesBeforeKey") + " " + joinPrefix(c.get("PrefixToKey"), key)
		return strings.Join(strings.Fields(name+" "+c.get("NamesAfterKey")+" "+c.get("SuffixToKey")), " ")
	}
	return cmp.Or(c.get("PersonName"), notation.TurnName(c.get("PersonNameInverted")), joinPrefix(c.get("PrefixToKey"), c.get("KeyNames")),
		c.get("CorporateName"), unnamed[c.get("UnnamedPersons")])
}

// unnamed has the contributors without a name (list 19).
var unnamed = map[string]string{"02": "Anonymous", "04": "Various"}

// publishedAtOf prefers the date of this edition (01, list 163).
func publishedAtOf(p *node) string {
	dates := p.all("PublishingDetail", "PublishingDate")
	for _, role := range []string{"01", "19", "11", "20"} {
		for _, n := range dates {
			if n.get("PublishingDateRole") != role {
				continue
			}
			if date := dateOf(n); date != "" {
				return date
			}
		}
	}
	return cmp.Or(onixDate(p.get("PublicationDate"), ""), onixDate(p.get("YearFirstPublished"), ""))
}

// descriptionOf prefers the full description to the short one: 03, 02 of list 153
// in ONIX 3; 01, 03, 02 of list 33 in 2.1.
func descriptionOf(p *node) string {
	for _, place := range []struct {
		list  []*node
		code  string
		kinds []string
	}{
		{p.all("CollateralDetail", "TextContent"), "TextType", []string{"03", "02"}},
		{p.all("OtherText"), "TextTypeCode", []string{"01", "03", "02"}},
	} {
		for _, kind := range place.kinds {
			for _, n := range place.list {
				if n.get(place.code) != kind {
					continue
				}
				for _, text := range n.all("Text") {
					raw := text.plain(false)
					format := cmp.Or(text.format, n.get("TextFormat"))
					if plain := text.plain(format == "02" || format == "2" || notation.IsHTML(raw)); plain != "" {
						return plain
					}
				}
			}
		}
	}
	return ""
}

// subjectsOf returns the headings and keywords. It leaves out codes: shoppers
// can't read them.
func subjectsOf(detail *node) (subjects []string) {
	for _, subject := range detail.all("Subject") {
		heading := subject.get("SubjectHeadingText")
		if subject.get("SubjectSchemeIdentifier") == "20" {
			subjects = append(subjects, keywords(heading)...)
		} else if heading != "" {
			subjects = append(subjects, heading)
		}
	}
	return subjects
}

// keywords splits a list at its semicolons, and at its commas too if it has no semicolons
// or if a word in small letters follows the comma. "Austen, Jane; World War, 1939-1945"
// are two keywords.
func keywords(text string) (list []string) {
	if !strings.Contains(text, ";") {
		return strings.Split(text, ",")
	}
	for part := range strings.SplitSeq(text, ";") {
		from := 0
		for at, r := range part {
			next, _ := utf8.DecodeRuneInString(strings.TrimLeft(part[at+utf8.RuneLen(r):], " "))
			if r == ',' && unicode.IsLower(next) {
				list = append(list, part[from:at])
				from = at + 1
			}
		}
		list = append(list, part[from:])
	}
	return list
}

func seriesOf(detail *node) string {
	for _, collection := range detail.all("Collection") {
		name, number := "", ""
		for _, element := range collection.all("TitleDetail", "TitleElement") {
			if element.get("TitleElementLevel") != "01" {
				name = cmp.Or(name, titleText(element))
			}
			number = cmp.Or(number, element.get("PartNumber"))
		}
		if name != "" {
			return withNumber(name, number)
		}
	}
	for _, series := range detail.all("Series") {
		name := cmp.Or(series.get("TitleOfSeries"), series.get("Title", "TitleText"))
		if name != "" {
			return withNumber(name, series.get("NumberWithinSeries"))
		}
	}
	return ""
}

// collectionName is the name of the first collection, without a number.
func collectionName(detail *node) string {
	for _, element := range detail.all("Collection", "TitleDetail", "TitleElement") {
		if name := titleText(element); name != "" && levelOf(element) != "01" {
			return name
		}
	}
	return cmp.Or(detail.get("Series", "TitleOfSeries"), detail.get("Series", "Title", "TitleText"))
}

func withNumber(name, number string) string {
	if number == "" {
		return name
	}
	return name + ", " + number
}

// availabilities maps the codes of ProductAvailability (list 65) and
// AvailabilityCode (list 54). The missing codes mean "contact the supplier".
var availabilities = map[string]model.Availability{
	"01": model.Unavailable, "10": model.ToOrder, "11": model.ToOrder, "12": model.ToOrder,
	"20": model.InStock, "21": model.InStock, "22": model.ToOrder, "23": model.ToOrder,
	"30": model.Unavailable, "31": model.Unavailable, "32": model.Unavailable, "33": model.Unavailable, "34": model.Unavailable,
	"40": model.Unavailable, "41": model.Unavailable, "42": model.Unavailable, "43": model.Unavailable, "44": model.Unavailable,
	"45": model.Unavailable, "46": model.Unavailable, "47": model.Unavailable, "48": model.Unavailable, "49": model.Unavailable,
	"50": model.Unavailable, "51": model.Unavailable, "52": model.Unavailable,
	"IP": model.InStock, "TO": model.ToOrder, "MD": model.ToOrder, "NP": model.ToOrder, "RF": model.Unavailable,
	"TP": model.Unavailable, "TU": model.Unavailable, "OP": model.Unavailable, "OI": model.Unavailable, "AB": model.Unavailable,
}

// supply reads price, currency, stock and availability. It takes the best price
// of all suppliers, the sum of their stocks, and the first availability.
func (m *message) supply(p *node, to *Product) {
	details := slices.Concat(p.all("ProductSupply", "SupplyDetail"), p.all("SupplyDetail"))
	stock, has, free := 0, false, false
	var prices []*node
	for _, detail := range details {
		if to.Availability == "" {
			to.Availability = availabilities[cmp.Or(detail.get("ProductAvailability"), detail.get("AvailabilityCode"))]
		}
		for _, text := range detail.all("Stock", "OnHand") {
			if n, err := strconv.Atoi(text.line()); err == nil {
				stock, has = stock+n, true
			}
		}
		prices = append(prices, detail.all("Price")...)
		free = free || detail.get("UnpricedItemType") == "01" || detail.get("Price", "UnpricedItemType") == "01"
	}
	if has {
		to.Stock = strconv.Itoa(max(stock, 0))
	}
	if best := m.bestPrice(prices); best != nil {
		to.Price = best.get("PriceAmount")
		to.Currency = cmp.Or(best.get("CurrencyCode"), m.defaults.get("DefaultCurrencyCode"))
	} else if free {
		to.Price = "0"
	}
}

// coverOf returns the address of the front cover: 01 of list 158 in ONIX 3, 04
// and 06 of list 38 in 2.1. It skips TIFF, which browsers don't show.
func coverOf(p *node) string {
	var links []*node
	for _, resource := range p.all("CollateralDetail", "SupportingResource") {
		if resource.get("ResourceContentType") == "01" {
			links = append(links, resource.all("ResourceVersion", "ResourceLink")...)
		}
	}
	for _, file := range p.all("MediaFile") {
		if kind := file.get("MediaFileTypeCode"); kind == "04" || kind == "06" {
			links = append(links, file.all("MediaFileLink")...)
		}
	}
	for _, link := range links {
		address := link.line()
		lower := strings.ToLower(address)
		if strings.HasPrefix(lower, "http") && !strings.HasSuffix(lower, ".tif") && !strings.HasSuffix(lower, ".tiff") {
			return address
		}
	}
	return ""
}
