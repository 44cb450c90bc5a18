package executor

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"literank.com/event-books/application/recommending"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// RecommendationOperator recommends books. Its methods may be called concurrently.
type RecommendationOperator struct {
	recommender *recommending.Recommender
	key         func() []byte
}

// NewRecommendationOperator returns an operator on a recommender. key returns the key by which ids
// of visitors are hashed before they leave the shop, or nil while it isn't known.
func NewRecommendationOperator(recommender *recommending.Recommender, key func() []byte) *RecommendationOperator {
	return &RecommendationOperator{recommender, key}
}

// ForVisitor returns up to n books for a visitor, and a hash that stands for the visitor. clientID is
// the number in the visitor's cookie; without one, the books are popular ones, and the hash is "".
// language is a BCP 47 tag, or "".
func (o *RecommendationOperator) ForVisitor(ctx context.Context, clientID, language string, n int) (user string, list []model.Recommendation, err error) {
	list, err = o.recommender.ForVisitor(ctx, trend.VisitorOf(clientID, ""), language, n)
	return o.hash(clientID), list, err
}

// Related returns up to n books for readers of a book. The error has the code NotFound if there is no
// such book.
func (o *RecommendationOperator) Related(ctx context.Context, book uint, n int) ([]model.Recommendation, error) {
	return o.recommender.Related(ctx, book, n)
}

// hash returns 32 hexadecimal digits for the number of a cookie, from which nobody can tell the
// number without the key.
func (o *RecommendationOperator) hash(clientID string) string {
	key := o.key()
	if clientID == "" || key == nil {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(clientID))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
