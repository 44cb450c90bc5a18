package reason

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"literank.com/event-books/domain/model"
)

func TestEveryReasonHasAText(t *testing.T) {
	for reason := model.BecauseOpened; reason <= model.WellKnownInLanguage; reason++ {
		text := Text(model.Recommendation{Reason: reason, Because: &model.Book{Title: "100% Dune"}})
		assert.NotEmpty(t, text, reason)
		assert.NotContains(t, text, "%!")
		assert.Equal(t, reason <= model.SimilarTo, text != Text(model.Recommendation{Reason: reason, Because: &model.Book{Title: " "}}), text)
	}
	assert.Equal(t, "because you opened “100% Dune”", Text(model.Recommendation{Reason: model.BecauseOpened, Because: &model.Book{Title: "100% Dune"}}))
	assert.NotEmpty(t, Text(model.Recommendation{Reason: model.SimilarTo}))
}
