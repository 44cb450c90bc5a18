package spool

import (
	"context"
	"strconv"
	"testing"
	"time"

	"literank.com/event-books/domain/model"
)

// BenchmarkSendEvent measures the work of a search apart from the sync. On a busy
// machine its allocations say more than its time.
func BenchmarkSendEvent(b *testing.B) {
	s, err := Open(b.TempDir(), unreachable{}, unreachable{}, Options{Topic: "x", Unsynced: true, MaxBytes: 40 << 30})
	if err != nil {
		b.Fatal(err)
	}
	value := make([]byte, 2000)
	event := model.SearchEvent{
		ID: "0198c0de-0000-7000-8000-000000000001", Time: time.Now(), Value: value, Total: 5, Served: 5,
		Search: model.Search{Keyword: "pride and prejudice", Sort: model.ByRelevance, Limit: 20},
		Visit:  model.Visit{Surface: model.APISurface, Agent: "person"},
	}
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for n := 0; pb.Next(); n++ {
			if _, err := s.SendEvent("key "+strconv.Itoa(n%100), value, event.Headers()...); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	ended, end := context.WithCancel(context.Background())
	end()
	_ = s.Close(ended)
}
