package onix

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"literank.com/event-books/infrastructure/catalog/former"
)

// formerProduct has the values by which version 0.1 identified a product. It is
// frozen, like package former.
func formerProduct(p, detail *node) (row former.Row) {
	row[former.ID].Text = p.get("RecordReference")
	row[former.ISBN].Text = isbnOf(p)
	row[former.Title].Text = frozenTitle(detail)
	row[former.PublishedAt].Text = frozenPublishedAt(p)
	if authors := frozenAuthors(detail); len(authors) > 0 {
		row[former.Author] = former.Value{Items: authors, Spoken: true}
	}
	return row
}

func frozenTitle(detail *node) string {
	titles := slices.Concat(detail.all("TitleDetail"), detail.all("Title"))
	slices.SortStableFunc(titles, func(a, b *node) int {
		return cmp.Compare(titleRank(a.get("TitleType")), titleRank(b.get("TitleType")))
	})
	for _, title := range titles {
		elements := title.all("TitleElement")
		slices.SortStableFunc(elements, func(a, b *node) int {
			return cmp.Compare(cmp.Or(a.get("TitleElementLevel"), "01"), cmp.Or(b.get("TitleElementLevel"), "01"))
		})
		for _, element := range append(elements, title) {
			text := element.get("TitleText")
			if text == "" {
				text = strings.TrimSpace(element.get("TitlePrefix") + " " + element.get("TitleWithoutPrefix"))
			}
			if subtitle := element.get("Subtitle"); text != "" && subtitle != "" {
				text += ": " + subtitle
			}
			if text != "" {
				return text
			}
		}
	}
	return detail.get("DistinctiveTitle")
}

func frozenAuthors(detail *node) []string {
	contributors := detail.all("Contributor")
	slices.SortStableFunc(contributors, func(a, b *node) int {
		return cmp.Compare(sequence(a), sequence(b))
	})
	for _, role := range []string{"A0", "B01", "A", "B", ""} {
		var names []string
		for _, c := range contributors {
			takes := func(n *node) bool { return strings.HasPrefix(n.line(), role) }
			if role != "" && !slices.ContainsFunc(c.all("ContributorRole"), takes) {
				continue
			}
			if name := frozenContributor(c); name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			return names
		}
	}
	return nil
}

func frozenContributor(c *node) string {
	if key := c.get("KeyNames"); key != "" && c.get("NamesBeforeKey") != "" {
		var parts []string
		for _, part := range []string{"NamesBeforeKey", "PrefixToKey", "KeyNames", "NamesAfterKey", "SuffixToKey"} {
			if text := c.get(part); text != "" {
				parts = append(parts, text)
			}
		}
		return strings.Join(parts, " ")
	}
	return cmp.Or(c.get("PersonName"), former.TurnName(c.get("PersonNameInverted")), c.get("KeyNames"), c.get("CorporateName"))
}

func frozenPublishedAt(p *node) string {
	dates := p.all("PublishingDetail", "PublishingDate")
	for _, role := range []string{"01", "19", "11", "20"} {
		if date := frozenDate(codeOf(dates, "PublishingDateRole", role, "Date")); date != "" {
			return date
		}
	}
	return cmp.Or(frozenDate(p.get("PublicationDate")), frozenDate(p.get("YearFirstPublished")))
}

var frozenDigits = regexp.MustCompile(`^(\d{4})(?:-?(\d{2})(?:-?(\d{2}))?)?(?:T.*)?$`)

func frozenDate(text string) string {
	m := frozenDigits.FindStringSubmatch(text)
	switch {
	case m == nil && len(text) >= 4 && frozenDigits.MatchString(text[:4]):
		return text[:4]
	case m == nil:
		return ""
	case m[2] == "" || m[2] == "00":
		return m[1]
	case m[3] == "" || m[3] == "00":
		return m[1] + "-" + m[2]
	}
	return m[1] + "-" + m[2] + "-" + m[3]
}
