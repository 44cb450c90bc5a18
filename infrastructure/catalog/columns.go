package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"literank.com/event-books/domain/model"
)

// A slot is a place in a record for the value of one column. Several slots may
// feed one field of a book.
type slot int

const (
	noSlot slot = iota - 1
	titleSlot
	originalTitleSlot
	authorSlot
	isbnSlot
	isbn13Slot
	isbn10Slot
	publishedAtSlot
	descriptionSlot
	languageSlot
	publisherSlot
	subjectsSlot
	seriesSlot
	editionSlot
	priceSlot
	currencySlot
	stockSlot
	availabilitySlot
	buyURLSlot
	coverURLSlot
	idSlot
	idSourceSlot
	fingerprintSlot
	slotCount
)

// slots describes each slot: the field of a book that it feeds, the names of
// columns that fill it, the preferred one first, and whether JSON may have a
// number or a list there.
var slots = [slotCount]struct {
	field         model.Field
	name          string
	columns       []string
	numbers, list bool
}{
	titleSlot: {field: model.TitleField, name: "title", columns: []string{"title", "name", "book_title",
		"titel", "buchtitel", "название", "заглавие", "наименование", "书名", "書名", "标题", "標題", "题名", "題名", "タイトル"}},
	originalTitleSlot: {field: model.TitleField, name: "title", columns: []string{"original_title",
		"originaltitel", "оригинальное название", "原书名", "原書名", "原題"}},
	authorSlot: {field: model.AuthorField, name: "author", columns: []string{"author", "authors", "creator", "creators", "writer",
		"autor", "autoren", "autorin", "verfasser", "автор", "авторы", "作者", "著者", "著者名", "作者名"}, list: true},
	isbnSlot:   {field: model.ISBNField, name: "isbn", columns: []string{"isbn", "isbn_nummer", "国际标准书号", "isbnコード"}, numbers: true},
	isbn13Slot: {field: model.ISBNField, name: "isbn", columns: []string{"isbn13", "ean13", "ean", "gtin"}, numbers: true},
	isbn10Slot: {field: model.ISBNField, name: "isbn", columns: []string{"isbn10"}, numbers: true},
	publishedAtSlot: {field: model.PublishedAtField, name: "published_at", columns: []string{
		"year", "published", "publication_year", "original_publication_year", "published_at", "publication_date", "date",
		"jahr", "erscheinungsjahr", "erscheinungsdatum", "veröffentlicht", "год", "год издания", "дата издания", "дата публикации",
		"年份", "出版年", "出版年份", "出版日期", "出版时间", "出版時間", "発行年", "出版日", "発売日", "発行日", "刊行年"}, numbers: true},
	descriptionSlot: {field: model.DescriptionField, name: "description", columns: []string{"description", "summary", "abstract", "blurb",
		"beschreibung", "kurzbeschreibung", "zusammenfassung", "klappentext", "inhalt", "описание", "аннотация",
		"简介", "簡介", "内容简介", "內容簡介", "描述", "摘要", "説明", "内容紹介", "概要", "あらすじ"}},
	languageSlot: {field: model.LanguageField, name: "language", columns: []string{"language", "language_code", "lang", "languages",
		"sprache", "язык", "语言", "語言", "语种", "語種", "言語"}, list: true},
	publisherSlot: {field: model.PublisherField, name: "publisher", columns: []string{"publisher",
		"verlag", "издательство", "издатель", "出版社", "出版商", "出版者", "発行元"}},
	subjectsSlot: {field: model.SubjectsField, name: "subjects", columns: []string{"subjects", "subject", "genre", "genres", "category", "categories", "tags", "keywords",
		"schlagwörter", "schlagworte", "themen", "thema", "sachgebiet", "kategorie", "kategorien", "жанр", "жанры", "тематика", "категория", "рубрика", "ключевые слова",
		"主题", "主題", "类别", "類別", "分类", "分類", "标签", "標籤", "关键词", "關鍵詞", "ジャンル", "カテゴリ", "カテゴリー", "件名", "タグ", "キーワード"}, list: true},
	seriesSlot: {field: model.SeriesField, name: "series", columns: []string{"series",
		"reihe", "serie", "серия", "丛书", "叢書", "丛书名", "叢書名", "系列", "シリーズ", "シリーズ名"}},
	editionSlot: {field: model.EditionField, name: "edition", columns: []string{"edition",
		"auflage", "ausgabe", "издание", "版次", "版本", "版", "版数"}, numbers: true},
	priceSlot: {field: model.PriceField, name: "price", columns: []string{"price",
		"preis", "ladenpreis", "verkaufspreis", "цена", "价格", "價格", "定价", "定價", "售价", "售價", "価格", "定価", "値段", "本体価格"}, numbers: true},
	currencySlot: {field: model.CurrencyField, name: "currency", columns: []string{"currency", "currency_code",
		"währung", "валюта", "货币", "貨幣", "币种", "幣種", "通貨"}},
	stockSlot: {field: model.StockField, name: "stock", columns: []string{"stock", "quantity",
		"bestand", "lagerbestand", "menge", "остаток", "количество", "库存", "庫存", "数量", "數量", "在庫", "在庫数"}, numbers: true},
	availabilitySlot: {field: model.AvailabilityField, name: "availability", columns: []string{"availability",
		"verfügbarkeit", "lieferbarkeit", "наличие", "доступность", "可用性", "供货状态", "在庫状況"}},
	buyURLSlot: {field: model.BuyURLField, name: "buy_url", columns: []string{"buy_url", "url", "link",
		"kauflink", "ссылка", "链接", "連結", "购买链接", "リンク"}},
	coverURLSlot: {field: model.CoverURLField, name: "cover_url", columns: []string{"cover_url", "cover", "image_url",
		"titelbild", "umschlagbild", "обложка", "封面", "封面图", "表紙", "表紙画像", "書影"}},
	idSlot: {name: "id", columns: []string{"id", "book_id",
		"artikelnummer", "bestellnummer", "артикул", "编号", "編號", "商品コード", "番号"}, numbers: true},
	// Only exported files have these two: see record.exported.
	idSourceSlot:    {name: "id_source", columns: []string{"id_source"}},
	fingerprintSlot: {name: "fingerprint", columns: []string{"fingerprint"}},
}

// A place is the slot of a column's name. If several columns have one slot, the
// one with the lowest rank fills it.
type place struct {
	slot slot
	rank int
}

// mappedRank is the rank of a column that the user named.
const mappedRank = -1

// names finds the place of a column by its name.
type names struct {
	places map[string]place // keys are folded with foldName
	// mapped are the columns that the user named, sorted.
	mapped []string
}

var knownPlaces = func() map[string]place {
	places := map[string]place{}
	for s, properties := range slots {
		for rank, column := range properties.columns {
			places[foldName(column)] = place{slot(s), rank}
		}
	}
	return places
}()

// newNames adds mapped, column → field, to the known names. Each known name of a
// field is a name for it here, too. Without ids no column can be mapped to the id.
func newNames(mapped map[string]string, ids bool) (*names, error) {
	n := &names{places: maps.Clone(knownPlaces), mapped: slices.Sorted(maps.Keys(mapped))}
	filledBy := map[slot]string{}
	for _, column := range n.mapped {
		to, ok := knownPlaces[foldName(mapped[column])]
		if !ok {
			return nil, fmt.Errorf("--map %s=%s: there is no field %q; the fields are: %s", column, mapped[column], mapped[column], strings.Join(fieldNames(), ", "))
		}
		if to.slot == idSlot && !ids {
			return nil, fmt.Errorf("--map %s=%s: the ids of standard input or a pipe need the name of their source: give it with --source", column, mapped[column])
		}
		if other, ok := filledBy[to.slot]; ok {
			return nil, fmt.Errorf("--map gives both columns %q and %q to the field %q", other, column, mapped[column])
		}
		filledBy[to.slot] = column
		n.places[foldName(column)] = place{to.slot, mappedRank}
	}
	return n, nil
}

// fieldNames lists the fields that a column can be mapped to.
func fieldNames() []string {
	var list []string
	for i, s := range slots {
		if slot(i) != idSourceSlot && slot(i) != fingerprintSlot && !slices.Contains(list, s.name) {
			list = append(list, s.name)
		}
	}
	return list
}

// find returns the place of a column. Its slot is noSlot if the name is unknown.
func (n *names) find(column string) place {
	if p, ok := n.places[foldName(column)]; ok {
		return p
	}
	return place{slot: noSlot}
}

// header names the columns of a CSV file.
func (n *names) header(cells [][]byte) []string {
	header := make([]string, len(cells))
	for i, cell := range cells {
		header[i] = strings.TrimSpace(string(cell))
		if header[i] == "" {
			header[i] = fmt.Sprintf("(column %d)", i+1)
		}
		if len(header[i]) > maxName {
			header[i] = longName
		}
	}
	return header
}

// assign returns the slot of each column. No two columns get the same one.
func (n *names) assign(columns []string) []slot {
	var filledBy [slotCount]int
	assigned := make([]slot, len(columns))
	for i, column := range columns {
		assigned[i] = noSlot
		p := n.find(column)
		if p.slot == noSlot {
			continue
		}
		other := filledBy[p.slot] - 1
		if other >= 0 {
			if n.find(columns[other]).rank <= p.rank {
				continue
			}
			assigned[other] = noSlot
		}
		assigned[i] = p.slot
		filledBy[p.slot] = i + 1
	}
	return assigned
}

// missing returns a column that the user named but that isn't in columns.
func (n *names) missing(columns []string) (string, bool) {
	for _, name := range n.mapped {
		if !slices.ContainsFunc(columns, func(c string) bool { return foldName(c) == foldName(name) }) {
			return name, true
		}
	}
	return "", false
}

var withoutSpacing = strings.NewReplacer(" ", "", "_", "", "-", "")

// foldName folds "ISBN-13", "isbn 13" and "isbn13" to one name.
func foldName(column string) string {
	return withoutSpacing.Replace(model.Fold(column))
}

// list formats names of columns for a message.
func list(names []string) string {
	const most = 30
	var quoted []string
	for _, name := range names[:min(len(names), most)] {
		quoted = append(quoted, show(name))
	}
	if len(names) > most {
		quoted = append(quoted, fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(quoted, ", ")
}
