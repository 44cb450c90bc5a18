package trend

import (
	"encoding/binary"
	"errors"
)

// Counts are the numbers of one bucket, or sums of several.
type Counts struct {
	// Requests are events.
	Requests int64 `json:"requests"`
	// Searches are what visitors searched, however often and on however many pages. The
	// following ones are searches, too.
	Searches int64 `json:"searches"`
	Shown    int64 `json:"shown"`
	// NotFound found nothing for the keyword as typed; Rescued are those of them that
	// showed books all the same.
	NotFound    int64 `json:"not_found"`
	Rescued     int64 `json:"rescued"`
	FilteredOut int64 `json:"filtered_out"`
	PastEnd     int64 `json:"past_end"`
	// Clicked are searches of whose results a book was opened.
	Clicked int64 `json:"clicked"`
	// Clicks are books that were opened, Ordinals the sum of their places.
	Clicks   int64 `json:"clicks"`
	Ordinals int64 `json:"ordinals"`
}

// fields are all numbers in the order in which they are encoded.
func (c *Counts) fields() [10]*int64 {
	return [...]*int64{
		&c.Requests, &c.Searches, &c.Shown, &c.NotFound, &c.Rescued,
		&c.FilteredOut, &c.PastEnd, &c.Clicked, &c.Clicks, &c.Ordinals,
	}
}

// Add adds other counts, each n times.
func (c *Counts) Add(other Counts, n int64) {
	sums, others := c.fields(), other.fields()
	for i, sum := range sums {
		*sum += n * *others[i]
	}
}

// CountsOf returns what a search with these facts counts. Facts of an event that never
// arrived, such as a click on a lost search, count nothing.
func CountsOf(f Fact) (c Counts) {
	if f&Searched == 0 {
		return c
	}
	has := func(fact Fact) int64 {
		if f&fact != 0 {
			return 1
		}
		return 0
	}
	c.Searches = 1
	c.Shown = has(Shown)
	c.NotFound = has(Empty) * (1 - has(Hit))
	c.Rescued = c.NotFound * c.Shown
	c.FilteredOut = has(FilteredOut)
	c.PastEnd = has(PastEnd)
	c.Clicked = c.Shown * has(Clicked)
	return c
}

// DayCounts are the counts of a day by bucket. Buckets without counts are missing.
type DayCounts map[int]Counts

// Add adds counts to a bucket, n times.
func (d DayCounts) Add(bucket int, c Counts, n int64) {
	sum := d[bucket]
	sum.Add(c, n)
	if sum == (Counts{}) {
		delete(d, bucket)
		return
	}
	d[bucket] = sum
}

// AddFacts adds the counts of facts, n times.
func (d DayCounts) AddFacts(f Facts, n int64) {
	for bucket, facts := range f.ByBucket() {
		if facts != 0 {
			d.Add(bucket, CountsOf(facts), n)
		}
	}
}

// Sum returns the counts of the buckets from one on, up to another, which isn't counted.
func (d DayCounts) Sum(from, to int) (sum Counts) {
	for bucket, c := range d {
		if from <= bucket && bucket < to {
			sum.Add(c, 1)
		}
	}
	return sum
}

// Encode returns the counts as bytes: for each bucket its number and ten unsigned varints,
// as in Protocol Buffers. It never returns nil, which a database would store as NULL.
func (d DayCounts) Encode() []byte {
	data := []byte{}
	for bucket := range Buckets {
		c, ok := d[bucket]
		if !ok {
			continue
		}
		data = append(data, byte(bucket))
		for _, n := range c.fields() {
			data = binary.AppendUvarint(data, uint64(*n))
		}
	}
	return data
}

// DecodeDayCounts reads what Encode wrote.
func DecodeDayCounts(data []byte) (DayCounts, error) {
	d := DayCounts{}
	for len(data) > 0 {
		bucket := int(data[0])
		data = data[1:]
		var c Counts
		for _, n := range c.fields() {
			value, size := binary.Uvarint(data)
			if size <= 0 || bucket >= Buckets {
				return nil, errors.New("counts of a day are damaged")
			}
			*n, data = int64(value), data[size:]
		}
		d[bucket] = c
	}
	return d, nil
}
