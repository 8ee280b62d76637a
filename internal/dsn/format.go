package dsn

import (
	"net/url"
	"strings"
)

// Format writes a configuration string that Parse takes apart into the same pieces.
// Parameters come in the order of their names.
func Format(scheme, hosts, path string, params url.Values) string {
	s := scheme + "://" + hostEscape.Replace(hosts) + pathEscape.Replace(path)
	if len(params) > 0 {
		s += "?" + readable.Replace(params.Encode())
	}
	return s
}

// They escape what would end the part that it stands in.
var (
	hostEscape = strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23", "/", "%2F")
	pathEscape = strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23")
)

// readable undoes escapes that a query does not need.
var readable = strings.NewReplacer("%2C", ",", "%2F", "/", "%3A", ":", "%5B", "[", "%5D", "]")
