package disk

import "math"

// MaxFiles returns how many files, connections included, this process may have open.
func MaxFiles() int { return math.MaxInt }
