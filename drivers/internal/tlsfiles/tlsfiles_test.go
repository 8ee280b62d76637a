package tlsfiles

import (
	"crypto/tls"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	program, named := &tls.Config{}, &tls.Config{ServerName: "cache.test"}
	for name, tt := range map[string]struct {
		config *tls.Config
		files  *Files
		socket bool
		want   string // in the error; empty if there is none
	}{
		"no TLS":                   {},
		"no TLS on a socket":       {socket: true},
		"both":                     {config: program, files: &Files{}, want: "want one"},
		"of the program":           {config: program},
		"of the program, a socket": {config: program, socket: true, want: "tls_server_name"},
		"with a name, a socket":    {config: named, socket: true},
		"files":                    {files: &Files{Cert: "c.pem", Key: "c.key"}},
		"no key":                   {files: &Files{Cert: "c.pem"}, want: "want both or none"},
		"no certificate":           {files: &Files{Key: "c.key"}, want: "want both or none"},
		"files, a socket":          {files: &Files{}, socket: true, want: "tls_server_name"},
		"named files, a socket":    {files: &Files{ServerName: "cache.test"}, socket: true},
	} {
		err := Check(tt.config, tt.files, tt.socket)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}

func TestLoadReturnsTheConfigOfTheProgram(t *testing.T) {
	for _, c := range []*tls.Config{nil, {}} {
		if got, err := Load(c, nil); got != c || err != nil {
			t.Errorf("Load of %p: %p, %v", c, got, err)
		}
	}
}
