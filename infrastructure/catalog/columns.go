package catalog

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"literank.com/event-books/domain/model"
	"literank.com/event-books/infrastructure/catalog/former"
	"literank.com/event-books/infrastructure/catalog/notation"
)

// A slot is a place in a record for the value of one column. Several slots may
// feed one field of a book.
type slot int

const (
	noSlot slot = iota - 1
	titleSlot
	originalTitleSlot
	authorSlot
	primaryAuthorSlot
	moreAuthorsSlot
	secondaryAuthorSlot
	secondaryRolesSlot
	isbn13Slot
	isbnSlot
	isbn10Slot
	isbnsSlot
	identifiersSlot
	barcodeSlot
	publishedAtSlot
	descriptionSlot
	shortDescriptionSlot
	languageSlot
	publisherSlot
	publicationSlot
	subjectsSlot
	tagsSlot
	seriesSlot
	editionSlot
	salePriceSlot
	priceSlot
	currencySlot
	stockSlot
	availabilitySlot
	buyURLSlot
	coverURLSlot
	popularitySlot
	authorAliasesSlot
	idSlot
	idSourceSlot
	fingerprintSlot
	spreadsheetSlot
	slotCount
)

// slots describes each slot: the field of a book that it feeds, the names of columns that
// fill it, the preferred one first, and whether JSON may have a number, a list or an object
// with a name there. Of several slots that feed one field, the first one with a value counts.
var slots = [slotCount]struct {
	field         model.Field
	name          string
	columns       []string
	numbers, list bool
	named         bool
}{
	titleSlot: {field: model.TitleField, name: "title", columns: []string{"title", "name", "book_title",
		"titel", "buchtitel", "titre", "título", "titolo", "название", "заглавие", "наименование", "书名", "書名", "标题", "標題", "题名", "題名", "タイトル"}},
	originalTitleSlot: {field: model.TitleField, name: "title", columns: []string{"original_title",
		"originaltitel", "titre_original", "título_original", "titolo_originale", "оригинальное название", "原书名", "原書名", "原題"}},
	authorSlot: {field: model.AuthorField, name: "author", columns: []string{"author", "authors", "creator", "creators", "writer", "author_text", "book_author", "author_name", "author_names", "author(s)",
		"autor", "autoren", "autorin", "verfasser", "autor(en)", "auteur", "auteurs", "autores", "autore", "autori", "автор", "авторы", "作者", "著者", "著者名", "作者名"}, list: true, named: true},
	// LibraryThing: always "Last, First".
	primaryAuthorSlot: {field: model.AuthorField, name: "author", columns: []string{"primary_author"}},
	// Goodreads: those after the first.
	moreAuthorsSlot: {field: model.AuthorField, name: "author", columns: []string{"additional_authors"}, list: true, named: true},
	// LibraryThing: everybody after the first, with their roles in the same order.
	secondaryAuthorSlot: {field: model.AuthorField, name: "author", columns: []string{"secondary_author"}},
	secondaryRolesSlot:  {field: model.AuthorField, name: "author", columns: []string{"secondary_author_roles"}},
	isbn13Slot:          {field: model.ISBNField, name: "isbn", columns: []string{"isbn13", "ean13", "ean", "gtin", "gtin13", "gtin, upc, ean, or isbn", "ean/isbn", "isbn/ean"}, numbers: true, list: true},
	isbnSlot:            {field: model.ISBNField, name: "isbn", columns: []string{"isbn", "isbn_nummer", "isbn_number", "isbn/uid", "isbn/issn", "isbn-nr", "国际标准书号", "isbnコード"}, numbers: true, list: true},
	isbn10Slot:          {field: model.ISBNField, name: "isbn", columns: []string{"isbn10"}, numbers: true, list: true},
	isbnsSlot:           {field: model.ISBNField, name: "isbn", columns: []string{"isbns", "isbn(s)"}, list: true},
	identifiersSlot:     {field: model.ISBNField, name: "isbn", columns: []string{"identifiers", "identifier"}},
	// Only an ISBN-13 counts there: shorter numbers may be anything.
	barcodeSlot: {field: model.ISBNField, name: "isbn", columns: []string{"sku", "barcode", "ean_code", "upc"}, numbers: true},
	publishedAtSlot: {field: model.PublishedAtField, name: "published_at", columns: []string{
		"year", "published", "publication_year", "published_at", "publication_date", "date", "year_published", "published_year", "year_of_publication", "publish_year", "published_date", "date_published", "publish_date", "pubdate", "pub_date", "pub_year", "release_date", "copyright_date", "date_of_publication",
		"jahr", "erscheinungsjahr", "erscheinungsdatum", "veröffentlicht", "erschienen", "erscheinungstermin", "année", "année_de_publication", "date_de_publication", "date_de_parution", "parution", "año", "año_de_publicación", "fecha_de_publicación", "fecha", "anno", "anno_di_pubblicazione", "data_di_pubblicazione",
		"год", "год издания", "дата издания", "дата публикации", "год выпуска",
		"年份", "出版年", "出版年份", "出版日期", "出版时间", "出版時間", "発行年", "出版日", "発売日", "発行日", "刊行年",
		// These are not the dates of the edition.
		"original_publication_year", "original_publication_date", "first_published", "year_first_published"}, numbers: true},
	descriptionSlot: {field: model.DescriptionField, name: "description", columns: []string{"description", "long_description", "summary", "abstract", "blurb", "synopsis",
		"beschreibung", "kurzbeschreibung", "zusammenfassung", "klappentext", "inhalt", "résumé", "resumen", "sinopsis", "descripción", "descrizione", "trama", "описание", "аннотация",
		"简介", "簡介", "内容简介", "內容簡介", "描述", "摘要", "説明", "内容紹介", "概要", "あらすじ", "comments"}},
	shortDescriptionSlot: {field: model.DescriptionField, name: "description", columns: []string{"short_description"}},
	languageSlot: {field: model.LanguageField, name: "language", columns: []string{"language", "language_code", "lang", "languages",
		"sprache", "sprachen", "langue", "langues", "idioma", "idiomas", "lingua", "lingue", "язык", "语言", "語言", "语种", "語種", "言語"}, list: true},
	publisherSlot: {field: model.PublisherField, name: "publisher", columns: []string{"publisher", "publisher_name", "publisher_code", "publishers",
		"verlag", "éditeur", "maison_d'édition", "editorial", "editore", "casa_editrice", "издательство", "издатель", "出版社", "出版商", "出版者", "発行元"}, list: true, named: true},
	// LibraryThing: "Orbit (2007), 320 pages".
	publicationSlot: {field: model.PublisherField, name: "publisher", columns: []string{"publication"}},
	subjectsSlot: {field: model.SubjectsField, name: "subjects", columns: []string{"subjects", "subject", "subject_headings",
		"schlagwörter", "schlagworte", "themen", "thema", "sachgebiet", "sujets", "sujet", "materias", "materia", "temas", "soggetti", "soggetto", "жанр", "жанры", "тематика",
		"主题", "主題", "类别", "類別", "分类", "分類", "ジャンル", "件名"}, list: true, named: true},
	// Their items may be separated by commas.
	tagsSlot: {field: model.SubjectsField, name: "subjects", columns: []string{"genre", "genres", "category", "categories", "tags", "keywords",
		"kategorie", "kategorien", "genres_littéraires", "catégorie", "catégories", "mots-clés", "género", "géneros", "categoría", "categorías", "etiquetas", "genere", "generi", "categoria", "categorie", "категория", "категории", "рубрика", "ключевые слова",
		"标签", "標籤", "关键词", "關鍵詞", "カテゴリ", "カテゴリー", "タグ", "キーワード"}, list: true, named: true},
	seriesSlot: {field: model.SeriesField, name: "series", columns: []string{"series", "series_title", "series_name",
		"reihe", "serie", "série", "collana", "colección", "серия", "丛书", "叢書", "丛书名", "叢書名", "系列", "シリーズ", "シリーズ名"}, named: true},
	editionSlot: {field: model.EditionField, name: "edition", columns: []string{"edition", "edition_statement",
		"auflage", "ausgabe", "édition", "edición", "edizione", "издание", "版次", "版本", "版", "版数"}, numbers: true},
	salePriceSlot: {field: model.PriceField, name: "price", columns: []string{"sale_price", "special_price", "angebotspreis", "aktionspreis", "sonderpreis", "prix_promo"}, numbers: true},
	priceSlot: {field: model.PriceField, name: "price", columns: []string{"price", "regular_price", "list_price", "retail_price", "rrp",
		"preis", "ladenpreis", "verkaufspreis", "prix", "prix_public", "precio", "pvp", "prezzo", "цена", "价格", "價格", "定价", "定價", "售价", "售價", "価格", "定価", "値段", "本体価格"}, numbers: true},
	currencySlot: {field: model.CurrencyField, name: "currency", columns: []string{"currency", "currency_code", "price_currency",
		"währung", "devise", "moneda", "divisa", "valuta", "валюта", "货币", "貨幣", "币种", "幣種", "通貨"}},
	stockSlot: {field: model.StockField, name: "stock", columns: []string{"stock", "quantity", "stock_quantity", "qty",
		"bestand", "lagerbestand", "menge", "quantité", "cantidad", "existencias", "quantità", "giacenza", "остаток", "количество", "库存", "庫存", "数量", "數量", "在庫", "在庫数"}, numbers: true},
	availabilitySlot: {field: model.AvailabilityField, name: "availability", columns: []string{"availability", "in_stock?", "stock_status", "available",
		"verfügbarkeit", "lieferbarkeit", "disponibilité", "disponibilidad", "disponibilità", "наличие", "доступность", "可用性", "供货状态", "在庫状況"}, numbers: true},
	buyURLSlot: {field: model.BuyURLField, name: "buy_url", columns: []string{"buy_url", "url", "link", "permalink", "external_url",
		"kauflink", "lien", "enlace", "ссылка", "链接", "連結", "购买链接", "リンク"}},
	coverURLSlot: {field: model.CoverURLField, name: "cover_url", columns: []string{"cover_url", "cover", "image_url", "image_url_l", "image_url_m", "cover_image", "cover_image_url", "thumbnail_url", "thumbnail", "images", "image", "image_url_s",
		"titelbild", "umschlagbild", "couverture", "portada", "copertina", "обложка", "封面", "封面图", "表紙", "表紙画像", "書影"}, list: true},
	// Counts of one edition come before those of the whole work.
	popularitySlot: {field: model.PopularityField, name: "popularity", columns: []string{"popularity", "ratings_count", "rating_count", "num_ratings", "number_of_ratings", "work_ratings_count", "ratings", "downloads", "download_count"}, numbers: true},
	// JSON may have them beside the name of an author, too: see value.aliases.
	authorAliasesSlot: {field: model.AuthorAliasesField, name: "author_aliases", columns: []string{"author_aliases"}, list: true, named: true},
	idSlot: {name: "id", columns: []string{"id", "book_id",
		"artikelnummer", "bestellnummer", "артикул", "编号", "編號", "商品コード", "番号", "biblionumber"}, numbers: true},
	// Only exported files have these: see record.exported.
	idSourceSlot:    {name: "id_source", columns: []string{"id_source"}},
	fingerprintSlot: {name: "fingerprint", columns: []string{"fingerprint"}},
	spreadsheetSlot: {name: "escaped_for_spreadsheets", columns: []string{"escaped_for_spreadsheets"}},
}

// A place is the slot of a column's name. If several columns have one slot, the
// one with the lowest rank fills it.
type place struct {
	slot slot
	rank int
	// unit is the currency in the name of a column of prices.
	unit string
}

// mappedRank is the rank of a column that the user named.
const mappedRank = -1

// names finds the place of a column by its name.
type names struct {
	places map[string]place // keys are folded with foldName
	former *former.Columns
	// mapped are the columns that the user named, sorted.
	mapped []string
}

var knownPlaces = func() map[string]place {
	places := map[string]place{}
	for s, properties := range slots {
		for rank, column := range properties.columns {
			name := foldName(column)
			if _, ok := places[name]; !ok { // "catégories" and "categories" are one name
				places[name] = place{slot: slot(s), rank: rank}
			}
		}
	}
	return places
}()

// newNames adds mapped, column → field, to the known names. Each known name of a
// field is a name for it here, too. Without ids no column can be mapped to the id.
func newNames(mapped map[string]string, ids bool) (*names, error) {
	n := &names{places: maps.Clone(knownPlaces), former: former.NewColumns(mapped), mapped: slices.Sorted(maps.Keys(mapped))}
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
		n.places[foldName(column)] = place{slot: to.slot, rank: mappedRank}
	}
	return n, nil
}

// fieldNames lists the fields that a column can be mapped to.
func fieldNames() []string {
	var list []string
	for i, s := range slots {
		if slot(i) < idSourceSlot && !slices.Contains(list, s.name) {
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
	if name, unit, ok := notation.CutUnit(column); ok {
		if p, ok := n.places[foldName(name)]; ok && slots[p.slot].field == model.PriceField {
			p.unit = unit
			return p
		}
	}
	if m := pieces.FindStringSubmatch(column); m != nil {
		if p, ok := n.places[foldName(m[1])]; ok && slots[p.slot].field == model.StockField {
			return p
		}
	}
	return place{slot: noSlot}
}

// pieces matches a column of numbers with the unit in brackets: "Bestand (Stück)".
var pieces = regexp.MustCompile(`^(.*\S)\s*[(\[][^()\[\]]+[)\]]$`)

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

// foldName folds "ISBN-13", "isbn 13" and "isbn13" to one name. The names of
// Calibre's own columns keep their #: "#genre" is no genre.
func foldName(column string) string {
	return strings.Map(func(r rune) rune {
		if r == '#' || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) {
			return r
		}
		return -1
	}, model.Fold(column))
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
