package adapter

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/model"
	"literank.com/event-books/domain/trend"
)

// BenchmarkDesk times the desk's first page with searches of 30 days: DESK_SEARCHES, or else
// 100,000. Counting a million takes two minutes.
func BenchmarkDesk(b *testing.B) {
	s := newShop(b)
	total := 100_000
	if text := os.Getenv("DESK_SEARCHES"); text != "" {
		var err error
		total, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	s.countMany(b, total)
	session := s.signIn()
	for _, window := range trend.Windows {
		b.Run(string(window), func(b *testing.B) {
			for b.Loop() {
				require.Equal(b, http.StatusOK, s.get("/insights?window="+string(window), "Cookie", session).Code)
			}
		})
	}
}

// countMany counts searches of 30 days, whose keywords follow Zipf's law.
func (s *shop) countMany(b *testing.B, total int) {
	random := rand.New(rand.NewPCG(1, 1))
	zipf := rand.NewZipf(random, 1.1, 1, 1_000_000)
	shard := model.Shard{Group: "trends", Stream: "test"}
	claim, err := s.db.Claim(b.Context(), shard)
	require.NoError(b, err)
	languages, tags := []string{"de", "en", "en-GB", "fr", "ja", "ru", "zh-CN", ""}, []string{"", "", "", "letter", "radio"}
	begin := time.Now().AddDate(0, 0, -30)
	const batch = 4000
	for done := 0; done < total; done += batch {
		list := make([]*trend.Search, min(batch, total-done))
		for i := range list {
			keyword := fmt.Sprint("keyword ", zipf.Uint64())
			list[i] = &trend.Search{
				ID: uuid.NewString(), At: begin.Add(time.Duration(float64(done+i) / float64(total) * float64(30*24*time.Hour))), Keyword: keyword, Folded: keyword, Public: keyword,
				Visitor: trend.VisitorOf("", fmt.Sprintf("%016x", random.Uint64N(50_000)*0x9e3779b97f4a7c15)), Surface: []model.Surface{model.PageSurface, model.APISurface}[random.IntN(2)],
				Language: languages[random.IntN(len(languages))], Tag: tags[random.IntN(len(tags))], First: true, Facts: trend.Searched | trend.Shown | trend.Hit, Books: []uint{1, 2, 3},
			}
		}
		require.NoError(b, s.db.Advance(b.Context(), shard, claim.Epoch, func(tx gateway.Transaction) (gateway.Step, error) {
			return gateway.Step{Checkpoint: claim}, tx.CountSearches(b.Context(), list)
		}))
	}
	require.NoError(b, s.board.Refresh(b.Context()))
}
