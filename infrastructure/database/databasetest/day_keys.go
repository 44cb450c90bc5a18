package databasetest

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/domain/gateway"
	"literank.com/event-books/domain/trend"
)

// dayKeys returns the keys by their days.
func dayKeys(t *testing.T, db Catalogue, today trend.Day, within time.Duration) map[trend.Day]string {
	t.Helper()
	keys, err := db.DayKeys(t.Context(), today, within)
	require.NoError(t, err)
	byDay := map[trend.Day]string{}
	for _, k := range keys {
		assert.Len(t, k.Key, 32)
		assert.Less(t, k.Age, time.Minute)
		assert.GreaterOrEqual(t, k.Age, time.Duration(0))
		byDay[k.Day] = string(k.Key)
	}
	assert.Len(t, byDay, len(keys), "a day has one key")
	return byDay
}

func testDayKeys(t *testing.T, db Catalogue) {
	first := dayKeys(t, db, 20_788, 0)
	require.Len(t, first, 1)
	assert.Equal(t, first, dayKeys(t, db, 20_788, 0), "the key stays")
	both := dayKeys(t, db, 20_789, 0)
	require.Len(t, both, 2)
	assert.Equal(t, first[20_788], both[20_788])
	assert.NotEqual(t, both[20_788], both[20_789], "each day has a key of its own")
	assert.Equal(t, both, dayKeys(t, db, 20_788, 0), "a clock that is behind changes nothing")
	assert.Equal(t, both, dayKeys(t, db, 20_789, gateway.DayKeyAge-time.Hour), "younger keys stay")

	replaced := dayKeys(t, db, 20_789, gateway.DayKeyAge)
	require.Len(t, replaced, 1, "keys of that age are deleted")
	assert.NotEqual(t, both[20_789], replaced[20_789])
	assert.Equal(t, replaced, dayKeys(t, db, 20_789, 0))
}

func testManyMakeOneKey(t *testing.T, open func() Catalogue) {
	const instances, days = 4, 5
	var mu sync.Mutex
	made := map[trend.Day]map[string]bool{}
	var group sync.WaitGroup
	for range instances {
		db := open()
		group.Go(func() {
			for day := range trend.Day(days) {
				keys, err := db.DayKeys(t.Context(), day, 0)
				if !assert.NoError(t, err) {
					return
				}
				mu.Lock()
				for _, k := range keys {
					if made[k.Day] == nil {
						made[k.Day] = map[string]bool{}
					}
					made[k.Day][string(k.Key)] = true
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	assert.Len(t, made, days)
	for day, keys := range made {
		assert.Len(t, keys, 1, "all instances have the same key of day %d", day)
	}
}
