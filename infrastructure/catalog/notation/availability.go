package notation

import (
	"regexp"
	"strconv"
	"strings"

	"literank.com/event-books/domain/model"
)

// Availability reads whether a book can be had: a word of several languages, a
// term of schema.org, or the number of copies in stock.
func Availability(cell string) (model.Availability, bool) {
	words := model.Fold(plain(cell))
	if copies, err := strconv.Atoi(words); err == nil && copies >= 0 {
		if copies > 0 {
			return model.InStock, true
		}
		return model.Unavailable, true
	}
	if at := strings.LastIndexAny(words, "/#:"); strings.Contains(words, "schema.org") || strings.HasPrefix(words, "schema:") {
		words = words[at+1:]
	}
	words = strings.Trim(withoutHyphens.Replace(words), " .!*")
	words = strings.Join(strings.Fields(words), " ")
	if a, ok := availabilities[words]; ok {
		return a, true
	}
	words, _, _ = strings.Cut(besides.ReplaceAllString(words, " "), ",")
	a, ok := availabilities[strings.Join(strings.Fields(words), " ")]
	return a, ok
}

// besides matches what may stand beside the words: numbers, brackets, and for how
// long they hold.
var besides = regexp.MustCompile(`\([^()]*\)|\d+|^(?:temporarily|currently|derzeit|zurzeit|momentan|aktuell|leider|titel|actuellement|actualmente|attualmente|временно|сейчас|暂时|目前) |(?: now| copies| exemplare| stück| шт\.?)$`)

var withoutHyphens = strings.NewReplacer("_", " ", "-", " ")

// availabilities has folded words without punctuation.
var availabilities = func() map[string]model.Availability {
	byWord := map[string]model.Availability{}
	for availability, list := range map[model.Availability]string{
		model.InStock: `in stock|instock|available|available now|in store|only left|instoreonly|in store only|onlineonly|limitedavailability|limited availability|low stock|few left|ready to ship|ships immediately|yes|y|true|on hand|
			lieferbar|sofort lieferbar|lieferbar in stunden|lieferbar in tagen|verfügbar|sofort verfügbar|auf lager|vorrätig|am lager|vorhanden|ja|
			disponible|en stock|en rayon|oui|disponible immédiatement|
			en existencia|en existencias|hay existencias|disponibile|disponibile subito|in magazzino|disponibilità immediata|sí|si|sì|
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
			无货|無貨|缺货|缺貨|售罄|绝版|絕版|已售完|断货|斷貨|無庫存|无库存|脱销|在庫なし|在庫切れ|品切れ|品切|絶版|売り切れ|売切れ|なし|入手不可|重版未定|販売終了`,
	} {
		for word := range strings.SplitSeq(list, "|") {
			byWord[strings.Join(strings.Fields(withoutHyphens.Replace(model.Fold(word))), " ")] = availability
		}
	}
	delete(byWord, "")
	return byWord
}()
