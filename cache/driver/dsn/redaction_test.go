package dsn

import (
	"fmt"
	"strings"
	"testing"
)

// passwords are passwords whose unescaped form breaks a string at another place. Each has the
// secret after every character that ends a part.
var passwords = []string{
	"?S@", "1?S@", "p?S", "p?a=S", "p?a=1&S", "p?S=1", "p?a=S&b=1", "p?h=S@x", "11211?S", "11211?timeout=S", "11211?timeout=1s&S=1",
	"1?server=S", "/S", "1/S", "/S?a=b", "1/S?a=b", "#S", "1#S", "p,S", "1,S", ":S", "1:S", "%S", "%zzS", "%2", "S%", "a@S", "a@S@", "@S",
	"?timeout=S", "?=S", "??S", "p?x;S", "p?x=1;S=2", "&S=1", "p=S", "[S", "[S]", "1]S", "[::1]:S", "\\S", " S", "\x00S", "ж?S", "1?%53S",
}

// A password that was not escaped is not repeated in an error, wherever it breaks the string.
// A driver that reads hosts as addresses and the parameters timeout and server is the reader.
func TestPasswordsAreNotRepeated(t *testing.T) {
	for _, p := range passwords {
		password := strings.ReplaceAll(p, "S", secret)
		for _, form := range []string{"x://app:%s@h:1/2?timeout=1s", "x://:%s@h:1", "x://app:%s@h", "x://%s@h:1,h2:2?server=a", "x:///run/%s@sock"} {
			s := fmt.Sprintf(form, password)
			err := readAll(s)
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%q: the error %q repeats the password", s, err)
			}
		}
	}
}

// readAll reads s as a driver does that checks its hosts.
func readAll(s string) error {
	d, err := Parse("x", s)
	if err != nil {
		return err
	}
	var user, pass string
	d.User(&user, &pass)
	var timeout string
	d.Choice("timeout", &timeout, "1s")
	servers := append(strings.Split(d.Hosts, ","), d.Strings("server")...)
	for _, server := range servers {
		_, port, ok := strings.Cut(strings.TrimPrefix(server, "[::1]"), ":")
		if ok && strings.Trim(port, "0123456789") != "" {
			return fmt.Errorf("server %q: the port is not a number", server)
		}
	}
	return d.Done()
}
