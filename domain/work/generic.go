package work

import "slices"

// genericNouns name what kinds of text an author wrote. Together with qualifiers, the
// author's name and numbers they make titles that one author can give to several books.
var genericNouns = set(`poem|poems|poetry|verse|verses|rhymes|sonnets|songs|ballads|hymns|odes|lyrics|letters|correspondence|
	works|writings|play|plays|dramas|comedies|tragedies|essays|stories|tales|novels|novellas|fables|sketches|speeches|
	sermons|lectures|addresses|papers|journals|journal|diary|diaries|memoirs|reminiscences|recollections|articles|reviews|
	fragments|sayings|quotations|aphorisms|maxims|anthology|collection|collections|miscellany|miscellanies|untitled|
	best|greatest|essential|portable|complete|collected|selected|prose|fictions|address|interviews|notebooks|pieces|translations|opera|anecdotes|novelettes|romances|dialogues|orations|prefaces|extracts|
	gedichte|briefe|werke|dramen|stucke|erzahlungen|novellen|geschichten|marchen|lieder|balladen|schriften|aufsatze|
	reden|tagebucher|tagebuch|romane|fabeln|sagen|gesamtausgabe|dichtungen|
	poemes|poesies|poesie|lettres|oeuvres|oeuvre|nouvelles|contes|recits|theatre|essais|discours|chansons|memoires|romans|
	ecrits|correspondance|melanges|
	poemas|poesias|poesia|cartas|obras|obra|cuentos|relatos|teatro|ensayos|antologia|discursos|diario|diarios|novelas|
	sonetos|escritos|fabulas|leyendas|memorias|
	lettere|opere|novelle|racconti|commedie|saggi|scritti|rime|canti|fiabe|memorie|
	contos|ensaios|cronicas|poezie|gedichten|brieven|werken|werk|verhalen|verzen|sprookjes|toneel|
	dikter|dikt|digte|brev|breve|skrifter|noveller|fortellinger|fortaellinger|berattelser|sagor|eventyr|sanger|visor|
	viser|skuespill|skuespil|runoja|runot|kirjeet|kirjeita|teokset|novelleja|kertomuksia|satuja|naytelmia|lauluja|
	wiersze|poezje|listy|dziela|opowiadania|nowele|pisma|basne|bajki|basnie|
	стихи|стихотворения|письма|сочинения|рассказы|повести|сказки|пьесы|избранное|произведения|поэмы|
	versek|versei|levelek|novellak|elbeszelesek|muvei|mesek|povidky|dopisy|spisy|pohadky|
	ποιηματα|απαντα|διηγηματα|επιστολαι|επιστολεσ|詩集|全集|短編集|書簡集|選集|选集|文集|诗集|诗选|短篇小说集|小说集|散文集`)

// qualifiers say nothing about which texts they are.
var qualifiers = set(`a|an|the|and|of|in|by|from|to|with|other|new|early|late|later|last|great|favorite|favourite|major|
	state|union|inaugural|minor|various|more|some|few|further|short|long|poetical|dramatic|
	literary|political|philosophical|miscellaneous|posthumous|unpublished|uncollected|private|fairy|folk|first|second|
	third|volume|book|part|series|entire|family|love|fiction|non|fantastic|ghost|
	der|die|das|des|ein|eine|und|aus|von|samtliche|gesammelte|ausgewahlte|neue|kleine|
	le|la|les|un|une|l|et|de|d|du|completes|completas|completa|choisies|choisis|nouveaux|premieres|dernieres|posthumes|
	el|los|las|una|y|del|selectas|escogidas|il|lo|gli|i|e|di|tutte|scelte|o|os|as|um|uma|seletas|escolhidas|
	het|een|en|verzamelde|volledige|den|det|ett|och|og|samlade|samlede|valda|udvalgte|kootut|valitut|wybor|wybrane|
	omnia|собрание|полное|избранные|osszes`)

// isGeneric reports whether a title says nothing but what kinds of text its author
// wrote.
func isGeneric(words, names []string) bool {
	generic := len(words) == 0
	for _, word := range words {
		switch {
		case genericNouns[word]:
			generic = true
		case !qualifiers[word] && !isNumber(word) && !isName(word, names):
			return false
		}
	}
	return generic
}

// isName reports whether word is one of the names, or its genitive.
func isName(word string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return word == name || word == name+"s" })
}
