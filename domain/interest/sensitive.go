package interest

import (
	"strings"

	"literank.com/event-books/domain/model"
)

// sensitive has words of subject headings on health, sexuality, religion and politics. A book about
// these never begins a list for a visitor: the reason would tell the next person at the screen what
// the visitor has read. The list is coarse on purpose: a book that is taken for sensitive by mistake
// costs one seed of a list.
//
// A star stands for any ending. Words are compared folded. In scripts without spaces between
// words, a text counts wherever it stands. Add the words of other languages here.
const sensitive = `
health* medicine medical medicin* disease* illness* cancer* diabet* aids hiv diet* nutrition* psychiatr* psychotherap* mental depress*
	anxiety addict* alcoholi* drug drugs pregnan* infertil* abortion* menopaus* disabilit* autis* dementia suicid* nursing therap* healing
gesundheit* medizin* krankheit* krebs ernahrung* psychiatri* sucht* schwanger* behinder* selbstmord* abtreibung* heilkunde* arzt*
sante maladie* medecin* grossesse* avortement* handicap* suicide*
salud enfermedad* embarazo* aborto* discapacidad* suicidio* salute malattia* malattie gravidanza* saude doenca* gezondheid* ziekte* zwanger*
sex sexual* sexo sexes erotic* erotik* erotism* erotica porn* homosexual* lesbian* gay gays lgbt* queer bisexual* transgender* transsexual* intersex*
	sexe sexuel* sexuell* sexualitat* sessual* seksu* homosexuel* schwul* lesbisch* homosexuell*
religio* god gods bible* biblic* bibel* biblia* biblisch* christ* church* catholic* katholi* catolic* protestant* evangel* orthodox* jesus jewish jews judai* juden*
	talmud* torah islam* muslim* moslem* musulman* quran* koran* coran hindu* buddh* buddhis* bouddh* budis* theolog* teolog* pray* prayer* gebet* spiritual* spiritis*
	atheis* faith* sermon* occult* esoteri* kirche* kirchen* eglise* iglesia* chiesa* igreja* kerk* godsdienst* glaube* priere* sikh* taois* mormon* quaker* clergy missions
politic* politik* politiq* politiek* democra* demokrati* communis* kommunis* comunis* socialis* sozialis* fascis* faschis* nationalis* nazi* anarchis* conservat* konservat*
	liberalis* marx* elections election* wahlen parliament* propagand* feminis* revolution* immigra* migration* terroris* government* unions gewerkschaft* partei*
здоров* медицин* болезн* психиатр* беремен* секс* эрот* гомосекс* религ* христиан* церк* библ* бог ислам* мусульман* коран* иуда* евре* будд* правосл* полити* коммунис* социалис* фашис* революц*
υγεια* ιατρικ* θρησκ* χριστιαν* πολιτικ* σεξ*
الصحة صحة طب الطب جنس الجنس دين الدين اسلام الاسلام قران القران سياسة السياسة
健康 医学 医疗 医療 疾病 病気 疾患 癌 妊娠 怀孕 抑郁 精神 性爱 性愛 性教育 性生活 同性 セックス エロ 宗教 佛教 仏教 神学 神道 道教 基督 キリスト 聖書 圣经 伊斯兰 イスラム 政治 共产 共産 社会主义 社会主義
건강 의학 질병 종교 불교 기독교 성경 정치
`

var sensitiveWords, sensitivePrefixes, sensitiveParts = readSensitive()

func readSensitive() (words map[string]bool, prefixes, parts []string) {
	words = map[string]bool{}
	for entry := range strings.FieldsSeq(sensitive) {
		prefix, open := strings.CutSuffix(entry, "*")
		text := model.Fold(prefix)
		switch {
		case isJoined(text):
			parts = append(parts, text)
		case open:
			prefixes = append(prefixes, text)
		default:
			words[text] = true
		}
	}
	return words, prefixes, parts
}

// isJoined reports whether a text is of a script that writes words without spaces between them, or
// joins endings to them.
func isJoined(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r >= 0x1100 && r <= 0x11ff || r >= 0x2e80 })
}

// IsSensitive reports whether a book is about health, sexuality, religion or politics, as far as its
// subjects tell.
func IsSensitive(b *model.Book) bool {
	for _, subject := range b.Subjects {
		text := model.Fold(subject)
		for _, part := range sensitiveParts {
			if strings.Contains(text, part) {
				return true
			}
		}
		for word := range strings.FieldsFuncSeq(text, isGap) {
			if isSensitiveWord(word) {
				return true
			}
		}
	}
	return false
}

func isSensitiveWord(word string) bool {
	if sensitiveWords[word] {
		return true
	}
	for _, prefix := range sensitivePrefixes {
		if strings.HasPrefix(word, prefix) {
			return true
		}
	}
	return false
}
