package wire

import "strconv"

// A Store is a request that stores an item.
type Store struct {
	Verb   string // set, add, replace, or cas
	Key    string
	Value  []byte
	Flags  uint32
	Expiry int32
	CAS    uint64 // of cas
}

// Append appends the request to b.
func (s *Store) Append(b []byte) []byte {
	b = append(b, s.Verb...)
	b = append(b, ' ')
	b = append(b, s.Key...)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(s.Flags), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(s.Expiry), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(len(s.Value)), 10)
	if s.Verb == VerbCAS {
		b = append(b, ' ')
		b = strconv.AppendUint(b, s.CAS, 10)
	}
	b = append(b, crlf...)
	b = append(b, s.Value...)
	return append(b, crlf...)
}

// VerbCAS is the verb of a compare-and-swap.
const VerbCAS = "cas"

// AppendDelete appends a request that deletes key to b.
func AppendDelete(b []byte, key string) []byte {
	b = append(b, "delete "...)
	b = append(b, key...)
	return append(b, crlf...)
}

// AppendGets appends a request for n items, with their CAS ids, to b.
func AppendGets(b []byte, n int, key func(i int) string) []byte {
	b = append(b, "gets"...)
	for i := range n {
		b = append(b, ' ')
		b = append(b, key(i)...)
	}
	return append(b, crlf...)
}
