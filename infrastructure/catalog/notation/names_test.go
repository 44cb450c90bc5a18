package notation_test

import (
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
		"Springer, Inc.": "Springer, Inc.", "Addison-Wesley, Pearson": "Addison-Wesley, Pearson", "Bits & Bytes, Ltd": "Bits, Bytes, Ltd", "Tin Press, LLC": "Tin Press, LLC", "Plato, Homerus": "Plato, Homerus",
		"Austen, Jane; Doyle, Arthur Conan; Plato": "Jane Austen, Arthur Conan Doyle, Plato", "Karl Marx, Friedrich Engels; Jane Austen": "Karl Marx, Friedrich Engels, Jane Austen", "Springer, Inc.; Austen, Jane": "Springer, Inc., Jane Austen",
		"Terry Pratchett & Neil Gaiman": "Terry Pratchett, Neil Gaiman", "Pratchett, Terry & Gaiman, Neil": "Terry Pratchett, Neil Gaiman", "Tom, Dick & Harry": "Tom, Dick, Harry", "Austen, Jane & Arthur Conan Doyle": "Jane Austen, Arthur Conan Doyle",
		"Maj Sjöwall and Per Wahlöö": "Maj Sjöwall, Per Wahlöö", "Ann Lee, Bob Ray, and Tom Day": "Ann Lee, Bob Ray, Tom Day", "Ann Lee, Bob Ray and Tom Day": "Ann Lee, Bob Ray, Tom Day", "Ann Lee et Bob Ray": "Ann Lee, Bob Ray", "Ann Lee / Bob Ray": "Ann Lee, Bob Ray", "Ann Lee|Bob Ray": "Ann Lee, Bob Ray", "Quill, Ada, Marsh, Robert": "Ada Quill, Robert Marsh",
		"Department of Health and Human Services": "Department of Health and Human Services", "鲁迅、茅盾；巴金": "鲁迅, 茅盾, 巴金", "AT&T": "AT&T", "": "", "Hero, of Alexandria": "Hero, of Alexandria",
		"Jane Austen (Author)": "Jane Austen", "Jane Austen; Tess Lator (Translator)": "Jane Austen", "Austen, Jane; Lator, Tess [ed.]": "Jane Austen", "Tess Lator [ed.]": "Tess Lator", "Lator, Tess (Hrsg.)": "Tess Lator", "Tess Lator (Ed.); Ann Lee (Ed.)": "Tess Lator, Ann Lee", "Lator, Tess, translator": "Tess Lator", "Jane Austen (Goodreads Author)": "Jane Austen", "Q (Quentin)": "Q (Quentin)",
		"Достоевский, Федор": "Федор Достоевский", "Пушкин, Александр Сергеевич": "Александр Сергеевич Пушкин", "Ada Quill, Jr.": "Ada Quill Jr.", "King Jr., Martin Luther": "Martin Luther King Jr.", "Quill & Sons, Ltd.": "Quill & Sons, Ltd.", "Ada Quill, et al.": "Ada Quill, et al.",
		"Ada Quill (Author), Bo Lind (Illustrator)": "Ada Quill", "Ada Quill (ed.), Bo Lind (ed.)": "Ada Quill, Bo Lind", "Quill, Ada (1970-)": "Ada Quill",
	} {
		names, _ := notation.Authors(text, false)
		assert.Equal(t, want, strings.Join(names, ", "), text)
	}
	names, _ := notation.Authors("Quill, Xandrine", true)
	assert.Equal(t, []string{"Xandrine Quill"}, names, "the whole file writes names like that")
}

func TestDoubtfulAuthors(t *testing.T) {
	for text, want := range map[string]string{
		"Quill, Xandrine": "Xandrine Quill", "Plato, Homerus": "Homerus Plato", "Salt Quill, Xandrine Ö.": "Xandrine Ö. Salt Quill", "García Márquez, Gabriel": "Gabriel García Márquez",
		"Kafka, Franz": "", "Karl Marx, Friedrich Engels": "", "Springer, Inc.": "", "Quill, Xandrine; Lind, Odd": "", "Jane Austen": "", "a, b, c": "", "Quill, 1984": "", "Hero, of Alexandria": "",
	} {
		_, turned := notation.Authors(text, false)
		assert.Equal(t, want, turned, text)
	}
}

func TestNamesOfALists(t *testing.T) {
	for want, list := range map[string][]string{
		"Jane Austen, Arthur Doyle": {"Austen, Jane", "Doyle, Arthur"}, "Martin Luther King Jr.": {"King, Martin Luther, Jr."}, "Carr, John, Sir": {"Carr, John, Sir"},
		"Wenkang, active 1842-1851": {"Wenkang, active 1842-1851"}, "Jane Austen": {"", "Austen, Jane", "Lator, Tess (Translator)"}, "Tess Lator": {"Lator, Tess (Ed.)", "Ill Ustra [illustrator]"}, "": {}, "Springer, Inc.": {"Springer, Inc."},
		"Leonardo da Vinci": {"Leonardo, da Vinci"}, "Jasmine Stone Van Dresser": {"Van Dresser, Jasmine Stone"}, "Jane Cholmeley Leigh Perrot": {"Leigh Perrot, Jane Cholmeley"}, "Fred. Berens": {"Berens, Fred."}, "Ed. James": {"James, Ed."}, "Alfred A. Knopf, Inc.": {"Alfred A. Knopf, Inc."}, "Davis Jr.": {"Davis, Jr."},
	} {
		assert.Equal(t, want, strings.Join(notation.Names(list), ", "), list)
	}
}

func FuzzAuthors(f *testing.F) {
	for _, s := range []string{"Kafka, Franz", "a; b & c", "King, Martin Luther, Jr. (x)", "Lator, Tess, trans.", ",,,,", "(ed.)[ed.]"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		for _, inverted := range []bool{true, false} {
			notation.Authors(s, inverted)
		}
		notation.Names(strings.Split(s, "\n"))
	})
}
