//go:build unix

package broker

import (
	"io"
	"math/rand/v2"
	"net"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// fill gives every field of a request a value that a client could send: names
// that exist, lists that aren't empty, small numbers.
func fill(v reflect.Value, rng *rand.Rand) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; v.Field(i).CanSet() && name != "UnknownTags" && name != "Version" {
				fill(v.Field(i), rng)
			}
		}
	case reflect.Pointer:
		if rng.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), rng)
		}
	case reflect.Slice:
		n := rng.IntN(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), rng)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), rng)
		}
	case reflect.String:
		v.SetString([]string{"numbers", "other", "group", "consumer", "range", ""}[rng.IntN(6)])
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt([]int64{-2, -1, 0, 0, 1, 1, 2, 100, 7000}[rng.IntN(9)] % (1 << (v.Type().Bits() - 1)))
	case reflect.Uint8:
		v.SetUint(rng.Uint64N(256))
	}
}

// randomFrame returns a request of a kind and version that the broker serves,
// mutated where the version has no tags: a mutated count of tags promises
// billions of them, and reading each keeps kfake busy for half a minute.
func randomFrame(rng *rand.Rand, versions *kversion.Versions) []byte {
	key := served[rng.IntN(len(served))]
	if key == kmsg.DeleteTopics {
		key = kmsg.Metadata // rather than delete what the test looks for later
	}
	latest, _ := versions.LookupMaxKeyVersion(int16(key))
	req := kmsg.RequestForKey(int16(key))
	fill(reflect.ValueOf(req).Elem(), rng)
	frame := frameOf(req, int16(rng.IntN(int(latest)+1)))
	if req.IsFlexible() {
		return frame
	}
	return mutate(frame, rng)
}

// mutate changes some bytes after key and version, and rarely the length.
func mutate(frame []byte, rng *rand.Rand) []byte {
	const body = lengthSize + 4
	for range rng.IntN(4) {
		at := body + rng.IntN(len(frame)-body)
		switch rng.IntN(4) {
		case 0:
			frame[at] = byte(rng.Uint64())
		case 1:
			frame[at] ^= 1 << rng.IntN(8)
		case 2:
			frame[at] = []byte{0, 1, 0x7f, 0x80, 0xff}[rng.IntN(5)]
		case 3:
			other := body + rng.IntN(len(frame)-body)
			copy(frame[at:], frame[other:min(len(frame), other+8)])
		}
	}
	if rng.IntN(50) == 0 {
		frame[rng.IntN(lengthSize)] = byte(rng.Uint64())
	}
	return frame
}

// throw sends bytes as a client that hangs up afterwards, and waits a little
// for the broker to hang up as well.
func throw(addr string, frame []byte) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		return err
	}
	if _, err := conn.Write(frame); err == nil {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	_, _ = io.Copy(io.Discard, conn) // a reset is as good as an end
	return nil
}

func TestHostileClients(t *testing.T) {
	const batches, clients, frames = 20, 4, 250
	addr, log, _ := supervised(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	createTopic(t, addr, "precious")
	client := connect(t, addr)
	versions := servedVersions()
	for batch := range batches {
		var throwing sync.WaitGroup
		for thrower := range clients {
			throwing.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(batch), uint64(thrower)))
				for range frames {
					_ = throw(addr, randomFrame(rng, versions)) // fails while the broker is away
				}
			})
		}
		throwing.Wait()
		produce(t, client, "precious", time.Now(), strconv.Itoa(batch))
	}
	requireInOrder(t, consume(t, client, "precious"), batches)
	t.Logf("%d frames, %d restarts", batches*clients*frames, log.count("listening again"))
}

// FuzzRequests looks for requests that end the broker: a panic in kfake's own
// goroutines ends the fuzzing process.
func FuzzRequests(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	versions := servedVersions()
	for range 200 {
		f.Add(randomFrame(rng, versions))
	}
	addr, _ := serve(f, Options{Dir: f.TempDir(), Listen: "127.0.0.1:0"})
	f.Fuzz(func(t *testing.T, frame []byte) {
		require.NoError(t, throw(addr, frame))
	})
}
