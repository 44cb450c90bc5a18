package interest

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"

	"literank.com/event-books/domain/trend"
)

func TestCounts(t *testing.T) {
	open, crowd := NewCounts(false), NewCounts(true)
	add := func(day trend.Day, books ...uint) {
		var s Session
		for i, book := range books {
			s.Add(Opened{book, int64(i)})
		}
		visitor := trend.VisitorOf(uuid.NewString(), "")
		open.Add(visitor, day, s)
		crowd.Add(visitor, day, s)
	}
	add(Origin, 1, 2)
	add(Origin+HalfLife, 2, 1, 3)
	own, neighbours := open.Neighbours(1, 9)
	assert.InDelta(t, 3, own, 0)
	assert.Equal(t, []Neighbour{{Book: 2, Pair: 3, Own: 3}, {Book: 3, Pair: 2, Own: 2}}, neighbours)
	_, neighbours = crowd.Neighbours(1, 9)
	assert.Empty(t, neighbours)
	add(Origin, 1, 2, 3)
	_, neighbours = crowd.Neighbours(1, 9)
	assert.Equal(t, []Neighbour{{Book: 2, Pair: 4, Own: 4}}, neighbours, "three cookies")
	assert.Equal(t, []uint{1, 2, 3}, open.MostOpened())
	add(Origin, 1, 4, 5)
	_, neighbours = open.Neighbours(1, 1)
	assert.Len(t, neighbours, 2, "n on each side")
}
