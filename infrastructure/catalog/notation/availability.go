package notation

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"literank.com/event-books/domain/model"
)

// Availability reads whether a book can be had: a term of several languages, also in a
// short sentence and with a number of copies, or a term of schema.org. It never reads a
// negation as in stock, and reports false if it isn't sure.
func Availability(cell string) (model.Availability, bool) {
	words := model.Fold(plain(cell))
	if copies, err := strconv.Atoi(words); err == nil && copies >= 0 {
		return ofCopies(copies), true
	}
	if at := strings.LastIndexAny(words, "/#:"); strings.Contains(words, "schema.org") || strings.HasPrefix(words, "schema:") {
		words = words[at+1:]
	}
	words = strings.Trim(withoutHyphens.Replace(words), " .!*")
	words = strings.Join(strings.Fields(words), " ")
	if a, ok := availabilities[words]; ok {
		return a, true
	}
	if m := easternCopies.FindStringSubmatch(words); m != nil {
		return ofCopies(number(m[1])), true
	}
	sentence := newSentence(words)
	first, _, _ := strings.Cut(besides.ReplaceAllString(words, " "), ",")
	a, ok := availabilities[strings.Join(strings.Fields(first), " ")]
	if ok && (a != model.InStock || sentence.isPlain()) {
		return a, true
	}
	return sentence.availability()
}

func ofCopies(copies int) model.Availability {
	if copies > 0 {
		return model.InStock
	}
	return model.Unavailable
}

// besides matches what may stand beside the words: numbers, brackets, and for how
// long they hold.
var besides = regexp.MustCompile(`\([^()]*\)|\d+|^(?:temporarily|currently|derzeit|zurzeit|momentan|aktuell|leider|titel|actuellement|actualmente|attualmente|временно|сейчас|暂时|目前) |(?: now| copies| exemplare| stück| шт\.?)$`)

// easternCopies matches a number of copies in Chinese or Japanese.
var easternCopies = regexp.MustCompile(`^(?:残り|仅剩|僅剩|剩余|剩餘|库存|庫存|在庫|在库)\D{0,4}?(\d{1,6}) ?(?:本|冊|册|件|部|点|個)?$`)

// sentence is a short text about availability.
type sentence struct {
	words []string
	// found has what the terms in the text say.
	found map[model.Availability]bool
	// negated, notYet, soon, slow, dated and doubtful say which of these words the text has.
	// slow is for weeks and months of delivery, dated for a year.
	negated, notYet, soon, slow, dated, doubtful bool
	// counted is set if the text has a number that is no time of delivery, copies if it
	// isn't 0.
	counted, copies bool
	// strange is set if the text has other words.
	strange bool
}

// maxSentence bounds the words of a sentence.
const maxSentence = 12

func newSentence(text string) *sentence {
	s := &sentence{found: map[model.Availability]bool{}, notYet: strings.Contains(text, "noch nicht")}
	s.words = strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) })
	if len(s.words) > maxSentence {
		s.strange = true
		return s
	}
	delivery := slices.ContainsFunc(s.words, func(w string) bool { return sentenceWords[w] == "days" || sentenceWords[w] == "weeks" })
	for i := 0; i < len(s.words); {
		if n, a := longestTerm(s.words[i:]); n > 0 {
			if a == model.Unavailable && sentenceWords[s.words[i]] == "not" { // "nicht verfügbar"
				a, s.negated = model.InStock, true
			}
			s.found[a] = true
			i += n
			continue
		}
		s.add(s.words[i], delivery)
		i++
	}
	return s
}

// add takes a word that is part of no term.
func (s *sentence) add(word string, delivery bool) {
	if isDigit(rune(word[0])) {
		if n := number(word); n >= 1900 && n < 2100 {
			s.dated = true
		} else if !delivery {
			s.counted = true
			s.copies = s.copies || strings.Trim(word, "0") != ""
		}
		return
	}
	switch sentenceWords[word] {
	case "not":
		// in French, ne … que means only
		s.negated = s.negated || !slices.Contains(s.words, "que")
	case "yet":
		s.notYet = true
	case "soon":
		s.soon = true
	case "weeks":
		s.slow = true
	case "doubt":
		s.doubtful = true
	case "":
		s.strange = true
	}
}

// longestTerm returns the number of words of the longest term at the beginning of words.
func longestTerm(words []string) (n int, a model.Availability) {
	for n := min(len(words), 5); n > 0; n-- {
		term := strings.Join(words[:n], " ")
		if a, ok := availabilities[term]; ok && sentenceWords[term] == "" && !isAnswer[term] {
			return n, a
		}
	}
	return 0, ""
}

// isPlain reports whether nothing in the text speaks against a book in stock.
func (s *sentence) isPlain() bool {
	return !s.negated && !s.soon && !s.slow && !s.dated && !s.doubtful && !s.found[model.Unavailable] && !s.found[model.ToOrder] && (!s.counted || s.copies)
}

func (s *sentence) availability() (model.Availability, bool) {
	inStock, toOrder, unavailable := s.found[model.InStock], s.found[model.ToOrder], s.found[model.Unavailable]
	if len(s.found) == 0 && s.counted {
		inStock = slices.ContainsFunc(s.words, func(w string) bool { return sentenceWords[w] == "copies" })
	}
	switch {
	case s.doubtful || unavailable && (inStock || toOrder || s.negated):
		return "", false
	case unavailable:
		return model.Unavailable, true
	case s.negated && inStock && !toOrder && s.notYet:
		return model.ToOrder, true
	case s.negated && inStock && !toOrder:
		return model.Unavailable, true
	case s.negated:
		return "", false
	case toOrder, inStock && (s.soon || s.slow):
		return model.ToOrder, true
	case inStock && s.counted && !s.copies:
		return model.Unavailable, true
	case inStock && !s.strange && !s.dated:
		return model.InStock, true
	}
	return "", false
}

// isAnswer has the terms that mean availability only if they stand alone.
var isAnswer = map[string]bool{"yes": true, "y": true, "true": true, "no": true, "n": true, "false": true, "none": true, "op": true, "oop": true, "pod": true, "ja": true, "nein": true, "oui": true, "non": true, "si": true, "да": true, "нет": true, "есть": true, "reserved": true}

// sentenceWords has the folded words that may stand beside a term, by what they say.
var sentenceWords = func() map[string]string {
	kinds := map[string]string{}
	for kind, words := range map[string]string{
		"not":    `not no never cannot isn aren wasn nor without nicht nichts kein keine keinen keiner nie ohne niemals pas ne n plus aucun aucune jamais sans sin ningún ninguna nunca non nessun nessuna mai senza не нет без нету niet geen inte ikke nie não`,
		"yet":    `yet bislang encore todavía aún ancora еще пока bisher`,
		"soon":   `soon shortly from bald demnächst ab voraussichtlich bientôt prochainement partir pronto próximamente presto prossimamente dal скоро ожидается с`,
		"weeks":  `week weeks month months woche wochen monat monate monaten semaine semaines mois semana semanas mes meses settimana settimane mese mesi неделя недели недель неделю месяц месяца месяцев`,
		"days":   `day days hour hours h tag tage tagen werktag werktage werktagen arbeitstagen stunde stunden jour jours heure heures ouvrés día días hora horas hábiles giorno giorni ora ore lavorativi день дня дней час часа часов`,
		"doubt":  `almost nearly perhaps maybe if but until unknown fast beinahe vielleicht eventuell aber bis unbekannt presque mais casi quizás pero quasi forse ma почти возможно но`,
		"copies": `left remaining remain remains copy copies unit units item items piece pieces pcs quantity qty stock stück exemplar exemplare übrig bestand lagerbestand reste restent restant restants exemplaire exemplaires quantité queda quedan ejemplar ejemplares unidad unidades existencias cantidad rimasto rimasti rimaste rimangono copia copie pezzi pezzo giacenza quantità осталось остаток экземпляр экземпляра экземпляров шт штук штуки количество`,
		"beside": `only just still now currently immediately at once in within and more than over our warehouse store the is are it this book title limited ready to ship ships shipping usually here back again
			nur noch sofort jetzt aktuell derzeit zurzeit momentan innerhalb von und mehr als unser unserem der die das ein titel artikel buch ist sind ausreichend wenige wieder versandfertig begrenzt
			seulement immédiatement actuellement sous dans en il que et de l article livre est sont ce moins
			solo sólo inmediatamente actualmente dentro de y el la libro está hay en
			solo soltanto subito attualmente entro e il libro è sono tra
			только сейчас сразу через и в на книга за`,
	} {
		for word := range strings.FieldsSeq(words) {
			kinds[model.Fold(word)] = kind
		}
	}
	return kinds
}()

var withoutHyphens = strings.NewReplacer("_", " ", "-", " ")

// availabilities has folded words without punctuation.
var availabilities = func() map[string]model.Availability {
	byWord := map[string]model.Availability{}
	for availability, list := range map[model.Availability]string{
		model.InStock: `in stock|instock|available|available now|in store|only left|instoreonly|in store only|onlineonly|limitedavailability|limited availability|low stock|few left|ready to ship|ships immediately|yes|y|true|on hand|
			lieferbar|sofort lieferbar|lieferbar in stunden|lieferbar in tagen|ships in|ships within|versandfertig in|verfügbar|sofort verfügbar|auf lager|ab lager|ab lager lieferbar|vorrätig|am lager|vorhanden|ja|
			disponible|disponibles|en stock|en rayon|oui|disponible immédiatement|
			en existencia|en existencias|hay existencias|disponibile|disponibili|disponibile subito|in magazzino|disponibilità immediata|sí|si|sì|
			в наличии|есть|есть в наличии|имеется|на складе|доступно|доступен|да|
			有货|有貨|现货|現貨|有库存|有庫存|在库|在庫|有|可供|在庫あり|在庫有り|在庫有|あり|購入可|即納|販売中`,
		model.ToOrder: `to order|toorder|on order|backorder|back order|backordered|on backorder|onbackorder|available on backorder|available to order|special order|made to order|madetoorder|print on demand|pod|preorder|pre order|presale|pre sale|forthcoming|not yet published|not yet available|coming soon|reprinting|reprint under consideration|
			bestellbar|auf bestellung|noch nicht lieferbar|lieferbar ab|nachbestellt|vorbestellbar|vorbestellung|noch nicht erschienen|erscheint demnächst|in vorbereitung|im nachdruck|in kürze lieferbar|lieferbar in kürze|wird nachgedruckt|
			sur commande|à paraître|en réimpression|précommande|en précommande|sous presse|
			bajo pedido|por encargo|preventa|próximamente|en reimpresión|su ordinazione|ordinabile|in arrivo|prenotabile|in ristampa|di prossima pubblicazione|
			под заказ|на заказ|предзаказ|ожидается|скоро|готовится к печати|скоро в продаже|
			可订购|可訂購|预订|預訂|预售|預售|预购|預購|即将出版|即將出版|取り寄せ|お取り寄せ|取寄せ|取寄|注文可|予約|予約受付中|近刊|未刊|重版中`,
		model.Unavailable: `unavailable|not available|out of stock|outofstock|out of print|op|oop|sold out|soldout|discontinued|no longer available|reserved|no|n|false|none|remaindered|withdrawn|
			vergriffen|nicht lieferbar|nicht verfügbar|nicht vorrätig|nicht auf lager|ausverkauft|derzeit nicht lieferbar|zurzeit nicht lieferbar|fehlt|eingestellt|nein|
			épuisé|indisponible|en rupture|en rupture de stock|rupture|rupture de stock|arrêt de commercialisation|non disponible|non|manquant|
			agotado|no disponible|sin existencias|descatalogado|esaurito|fuori catalogo|fuori stampa|non disponibile|
			нет в наличии|нет|отсутствует|распродано|распродан|снято с продажи|закончился|недоступно|тираж закончился|
			无货|無貨|暂时无货|暫時無貨|暂无库存|没有库存|沒有庫存|没货|沒貨|在庫はありません|在庫がありません|在庫無し|在庫無|缺货|缺貨|售罄|绝版|絕版|已售完|断货|斷貨|無庫存|无库存|脱销|在庫なし|在庫切れ|品切れ|品切|絶版|売り切れ|売切れ|なし|入手不可|重版未定|販売終了`,
	} {
		for word := range strings.SplitSeq(list, "|") {
			byWord[strings.Join(strings.Fields(withoutHyphens.Replace(model.Fold(word))), " ")] = availability
		}
	}
	delete(byWord, "")
	return byWord
}()
