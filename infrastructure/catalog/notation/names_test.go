package notation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/infrastructure/catalog/notation"
)

func TestAuthors(t *testing.T) {
	for text, want := range map[string]string{
		"Jane Austen": "Jane Austen", "Karl Marx, Friedrich Engels": "Karl Marx, Friedrich Engels", "J.K. Rowling, Mary GrandPré": "J.K. Rowling, Mary GrandPré",
		"Stroustrup, Bjarne": "Bjarne Stroustrup", "Quillov, Bodan Lindovich": "Bodan Lindovich Quillov", "Kafka, Franz": "Franz Kafka", "Tolkien, J. R. R.": "J. R. R. Tolkien", "Tolkien, J.R.R.": "J.R.R. Tolkien", "Sartre, Jean-Paul": "Jean-Paul Sartre", "Eliot, T S": "T S Eliot",
		"van Gogh, Vincent": "Vincent van Gogh", "Goethe, Johann Wolfgang von": "Johann Wolfgang von Goethe", "Le Guin, Ursula K.": "Ursula K. Le Guin", "de la Cruz, Juana": "Juana de la Cruz", "García Márquez, Gabriel": "García Márquez, Gabriel", "Roald Dahl, Quentin Blake": "Roald Dahl, Quentin Blake", "Plato, Desmond Lee": "Plato, Desmond Lee", "Krol, Ed": "Ed Krol", "Lucas, E. V. (Edward Verrall)": "E. V. Lucas (Edward Verrall)", "Bates, Lindon, Jr.": "Lindon Bates Jr.", "Pixel, books, and files for everybody": "Pixel, books, and files for everybody", "Chicago (Ill.)": "Chicago (Ill.)",
		"King, Martin Luther, Jr.": "Martin Luther King Jr.", "Austen, Jane, 1775-1817": "Jane Austen", "Austen, Jane, 1775-1817.": "Jane Austen", "Austen, Jane.": "Jane Austen", "Austen, Jane,": "Jane Austen", "Kennedy, John F. (John Fitzgerald)": "John F. Kennedy (John Fitzgerald)",
		"Springer, Inc.": "Springer, Inc.", "Addison-Wesley, Pearson": "Addison-Wesley, Pearson", "Bits & Bytes, Ltd": "Bits & Bytes, Ltd", "Tin Press, LLC": "Tin Press, LLC", "Plato, Homerus": "Plato, Homerus",
		"Quill & Marsh, Inc.": "Quill & Marsh, Inc.", "Quill and Marsh, Inc.": "Quill and Marsh, Inc.", "Quill, Marsh & Lind, LLC": "Quill, Marsh & Lind, LLC", "Quill & Marsh GmbH": "Quill & Marsh GmbH", "Quill & Marsh Verlag": "Quill & Marsh Verlag", "Quill & Marsh GmbH & Co. KG": "Quill & Marsh GmbH & Co. KG", "T & T Quill, Ltd.": "T & T Quill, Ltd.", "Small, Quill and Company": "Small, Quill and Company", "Small, Quill & Co.": "Small, Quill & Co.", "Quill Press, Marsh Books": "Quill Press, Marsh Books",
		"Quill University Press, Inc.": "Quill University Press, Inc.", "University of Quill, Department of Salt & Sea": "University of Quill, Department of Salt & Sea", "Department of Salt & Sea": "Department of Salt & Sea", "Quill & Marsh, AG": "Quill & Marsh, AG", "Quill & Marsh, Inc.; Austen, Jane": "Quill & Marsh, Inc., Jane Austen",
		"Ann Lee & Quill Press": "Ann Lee, Quill Press", "Austen, Jane & Quill Press": "Jane Austen, Quill Press", "Quill & Marsh": "Quill, Marsh", "Press, Frank": "Frank Press", "Co, Leon": "Leon Co",
		"O'Quill, Flannery": "Flannery O'Quill", "Lee, Harper": "Harper Lee", "Paul, Mary": "Mary Paul", "Quill, Jr., Martin": "Martin Quill Jr.", "Quill, Jr., Xandrine": "Xandrine Quill Jr.", "Quill, III, Martin Luther": "Martin Luther Quill III",
		"Austen, Jane; Doyle, Arthur Conan; Plato": "Jane Austen, Arthur Conan Doyle, Plato", "Karl Marx, Friedrich Engels; Jane Austen": "Karl Marx, Friedrich Engels, Jane Austen", "Springer, Inc.; Austen, Jane": "Springer, Inc., Jane Austen",
		"Terry Pratchett & Neil Gaiman": "Terry Pratchett, Neil Gaiman", "Pratchett, Terry & Gaiman, Neil": "Terry Pratchett, Neil Gaiman", "Tom, Dick & Harry": "Tom, Dick, Harry", "Austen, Jane & Arthur Conan Doyle": "Jane Austen, Arthur Conan Doyle",
		"Maj Sjöwall and Per Wahlöö": "Maj Sjöwall, Per Wahlöö", "Ann Lee, Bob Ray, and Tom Day": "Ann Lee, Bob Ray, Tom Day", "Ann Lee, Bob Ray and Tom Day": "Ann Lee, Bob Ray, Tom Day", "Ann Lee et Bob Ray": "Ann Lee, Bob Ray", "Ann Lee / Bob Ray": "Ann Lee, Bob Ray", "Ann Lee|Bob Ray": "Ann Lee, Bob Ray", "Quill, Ada, Marsh, Robert": "Ada Quill, Robert Marsh",
		"Department of Health and Human Services": "Department of Health and Human Services", "鲁迅、茅盾；巴金": "鲁迅, 茅盾, 巴金", "AT&T": "AT&T", "": "", "Hero, of Alexandria": "Hero, of Alexandria",
		"Jane Austen (Author)": "Jane Austen", "Jane Austen; Tess Lator (Translator)": "Jane Austen", "Austen, Jane; Lator, Tess [ed.]": "Jane Austen", "Tess Lator [ed.]": "Tess Lator", "Lator, Tess (Hrsg.)": "Tess Lator", "Tess Lator (Ed.); Ann Lee (Ed.)": "Tess Lator, Ann Lee", "Lator, Tess, translator": "Tess Lator", "Jane Austen (Goodreads Author)": "Jane Austen", "Q (Quentin)": "Q (Quentin)",
		"Достоевский, Федор": "Федор Достоевский", "Пушкин, Александр Сергеевич": "Александр Сергеевич Пушкин", "Ada Quill, Jr.": "Ada Quill Jr.", "King Jr., Martin Luther": "Martin Luther King Jr.", "Quill & Sons, Ltd.": "Quill & Sons, Ltd.", "Ada Quill, et al.": "Ada Quill, et al.",
		"Ada Quill (Author), Bo Lind (Illustrator)": "Ada Quill", "Ada Quill (ed.), Bo Lind (ed.)": "Ada Quill, Bo Lind", "Quill, Ada (1970-)": "Ada Quill",
	} {
		names, _ := notation.Authors(text, notation.AnyOrder)
		assert.Equal(t, want, strings.Join(names, ", "), text)
	}
	names, _ := notation.Authors("Quill, Xandrine", notation.LastFirst)
	assert.Equal(t, []string{"Xandrine Quill"}, names, "the whole file writes names like that")
}

func TestTheColumnShowsWhatCommasMean(t *testing.T) {
	known := []string{"Austen, Jane", "Kafka, Franz", "Doyle, Arthur Conan"}
	spoken := []string{"Ada Quill", "Bo Lind", "Cy Marsh", "Di Wahl", "Tom Day", "Ann Lee"}
	lists := []string{"Ada Quill, Bo Lind", "Cy Marsh, Di Wahl, Tom Day"}
	for name, c := range map[string]struct {
		column []string
		want   notation.NameOrder
	}{
		"nearly all":                 {known, notation.LastFirst},
		"some":                       {slices.Concat(known, spoken), notation.CommaTurns},
		"some, and lists":            {slices.Concat(known, spoken, lists), notation.AnyOrder},
		"many, and a list":           {slices.Concat(known, known, spoken, lists[:1]), notation.CommaTurns},
		"too few":                    {slices.Concat(known[:2], spoken), notation.AnyOrder},
		"none":                       {spoken, notation.AnyOrder},
		"only lists":                 {lists, notation.AnyOrder},
		"companies aren't lists":     {slices.Concat(known, spoken, []string{"Salt Quill, Inc.", "Salt Quill, Marsh Press"}), notation.CommaTurns},
		"empty":                      {nil, notation.AnyOrder},
		"unknown names prove little": {slices.Concat([]string{"Quill, Xandrine", "Lind, Odd", "Marsh, Zed"}, spoken), notation.AnyOrder},
	} {
		assert.Equal(t, c.want, notation.LearnOrder(c.column), name)
	}
	for text, want := range map[string]string{
		"Quill, Xandrine": "Xandrine Quill", "van Quill, Xandrine": "Xandrine van Quill", "Salt Quill, Xandrine": "Salt Quill, Xandrine", "Karl Marx, Friedrich Engels": "Karl Marx, Friedrich Engels",
		"Quill & Marsh, Inc.": "Quill & Marsh, Inc.", "Quill, Ltd": "Quill, Ltd", "Plato, Desmond Lee": "Plato, Desmond Lee", "Quill, 1984": "Quill, 1984",
	} {
		names, _ := notation.Authors(text, notation.CommaTurns)
		assert.Equal(t, want, strings.Join(names, ", "), text)
	}
	for text, want := range map[string]string{
		"Quill & Marsh, Inc.": "Quill & Marsh, Inc.", "Small, Quill & Co.": "Small, Quill & Co.", "Small, Quill and Company": "Small, Quill and Company", "University of Quill, Department of Salt": "University of Quill, Department of Salt", "Salt Quill, Xandrine": "Xandrine Salt Quill",
	} {
		names, _ := notation.Authors(text, notation.LastFirst)
		assert.Equal(t, want, strings.Join(names, ", "), text)
	}
}

func TestDoubtfulAuthors(t *testing.T) {
	for text, want := range map[string]string{
		"Quill, Xandrine": "Xandrine Quill", "Plato, Homerus": "Homerus Plato", "Salt Quill, Xandrine Ö.": "Xandrine Ö. Salt Quill", "García Márquez, Gabriel": "Gabriel García Márquez",
		"Kafka, Franz": "", "Karl Marx, Friedrich Engels": "", "Springer, Inc.": "", "Quill, Xandrine; Lind, Odd": "", "Jane Austen": "", "a, b, c": "", "Quill, 1984": "", "Hero, of Alexandria": "",
	} {
		_, turned := notation.Authors(text, notation.AnyOrder)
		assert.Equal(t, want, turned, text)
	}
}

func TestNamesOfALists(t *testing.T) {
	for want, list := range map[string][]string{
		"Jane Austen, Arthur Doyle": {"Austen, Jane", "Doyle, Arthur"}, "Martin Luther King Jr.": {"King, Martin Luther, Jr."}, "Martin Luther Quill Jr.": {"Quill, Jr., Martin Luther"}, "Quill & Marsh, Inc.": {"Quill & Marsh, Inc."}, "Small, Quill & Co.": {"Small, Quill & Co."}, "Carr, John, Sir": {"Carr, John, Sir"},
		"Wenkang, active 1842-1851": {"Wenkang, active 1842-1851"}, "Jane Austen": {"", "Austen, Jane", "Lator, Tess (Translator)"}, "Tess Lator": {"Lator, Tess (Ed.)", "Ill Ustra [illustrator]"}, "": {}, "Springer, Inc.": {"Springer, Inc."},
		"Leonardo da Vinci": {"Leonardo, da Vinci"}, "Jasmine Stone Van Dresser": {"Van Dresser, Jasmine Stone"}, "Jane Cholmeley Leigh Perrot": {"Leigh Perrot, Jane Cholmeley"}, "Fred. Berens": {"Berens, Fred."}, "Ed. James": {"James, Ed."}, "Alfred A. Knopf, Inc.": {"Alfred A. Knopf, Inc."}, "Davis Jr.": {"Davis, Jr."},
	} {
		assert.Equal(t, want, strings.Join(notation.Names(list), ", "), list)
	}
}

func TestAliases(t *testing.T) {
	for name, want := range map[string]string{
		"Quill, Xandrine": "Xandrine Quill", "Quill, X. (Xandrine)": "X. Quill (Xandrine)", "Minister of Salt (1801-1809)": "Minister of Salt", "Lind, Odd (1850-)": "Odd Lind",
		"Karl Marx, Friedrich Engels": "Karl Marx, Friedrich Engels", "Quill, Xandrine, Lady": "Quill, Xandrine, Lady", "(1801-1809)": "(1801-1809)", "Quill": "Quill", "A Lady": "A Lady",
	} {
		assert.Equal(t, want, notation.Alias(name), name)
	}
}

func FuzzAuthors(f *testing.F) {
	for _, s := range []string{"Kafka, Franz", "a; b & c", "King, Martin Luther, Jr. (x)", "Lator, Tess, trans.", ",,,,", "(ed.)[ed.]"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		for _, order := range []notation.NameOrder{notation.AnyOrder, notation.CommaTurns, notation.LastFirst} {
			notation.Authors(s, order)
		}
		notation.LearnOrder(strings.Split(s, "\n"))
		notation.Names(strings.Split(s, "\n"))
		notation.Alias(s)
	})
}
