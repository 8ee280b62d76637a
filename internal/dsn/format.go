package dsn

import (
	"net/url"
	"strings"
)

// Format writes a configuration string that Parse takes apart into the same pieces.
// Parameters come in the order of their names.
func Format(scheme, hosts, path string, params url.Values) string {
	s := scheme + "://" + escape.Replace(hosts) + escape.Replace(path)
	if len(params) > 0 {
		s += "?" + readable.Replace(params.Encode())
	}
	return s
}

// escape writes what would end the part it stands in. The host part holds no slash:
// an address with one is a path.
var escape = strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23", "@", "%40")

// readable undoes escapes that a query does not need.
var readable = strings.NewReplacer("%2C", ",", "%2F", "/", "%3A", ":", "%5B", "[", "%5D", "]")
