package encoding_test

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/internal/keyrule"
)

func byName(t testing.TB, name string) encoding.Encoding {
	t.Helper()
	e, err := encoding.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Encoded forms that programs in other languages must get too.
func TestVectors(t *testing.T) {
	for _, v := range []struct{ encoding, key, want string }{
		{"string", "k1", "k1"},
		{"string", "my key", "my key"},
		{"base64", "k1", "azE="},
		{"base64", "my key", "bXkga2V5"},
		{"base64", "", ""},
		{"base64", "\xfb\xff\xfe?", "-__-Pw=="},
		{"sha1", "my key", "RigVwkWdSuGyFu7au08PzUMloU8="},
		{"sha1,base64", "my key", "RigVwkWdSuGyFu7au08PzUMloU8="},
		{"md5", "", "1B2M2Y8AsgTpgAmY7PhCfg=="},
		{"sha256", "", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU="},
		{"safe", "k1", "k1"},
		{"safe", "ключ", "ключ"},
		{"safe", "", "~47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU="},
		{"base64,base64", "k1", "YXpFPQ=="},
	} {
		if got := byName(t, v.encoding).Encode(v.key); got != v.want {
			t.Errorf("%s of %q: %q, want %q", v.encoding, v.key, got, v.want)
		}
	}
}

func TestDigestLengths(t *testing.T) {
	for name, want := range map[string]int{"md5": 24, "sha1": 28, "sha256": 44, "sha512": 88, "safe": 45} {
		if got := byName(t, name).Encode("my key"); len(got) != want {
			t.Errorf("%s: %q is %d bytes, want %d", name, got, len(got), want)
		}
	}
}

// Hash returns raw digests, which no name does.
func TestHashIsRaw(t *testing.T) {
	raw := encoding.Hash("sha1", sha1.New)
	if got := raw.Encode("my key"); len(got) != sha1.Size {
		t.Errorf("Hash: %d bytes, want the %d of the digest", len(got), sha1.Size)
	}
	composed := encoding.Compose(raw, encoding.Base64())
	if got := composed.Encode("my key"); got != "RigVwkWdSuGyFu7au08PzUMloU8=" {
		t.Errorf("Hash composed with Base64: %q, want the base64 of the digest", got)
	}
	if !composed.Equal(byName(t, "sha1")) {
		t.Errorf("%v is not equal to ByName(\"sha1\")", composed)
	}
}

func TestByNameIsStrict(t *testing.T) {
	for _, name := range []string{"", "sha3", "SHA1", " sha1", "sha1 ", "sha1,", ",sha1", "sha1,,base64", "sha1;base64", "string64"} {
		_, err := encoding.ByName(name)
		if err == nil {
			t.Errorf("ByName(%q): no error", name)
			continue
		}
		for _, known := range []string{"none", "string", "base64", "md5", "sha1", "sha256", "sha512", "safe"} {
			if !strings.Contains(err.Error(), known) {
				t.Errorf("ByName(%q): the error %q does not name %s", name, err, known)
			}
		}
	}
	if _, err := encoding.ByName(strings.Repeat("x", 1000)); len(err.Error()) > 300 {
		t.Errorf("the error repeats a long name: %d bytes", len(err.Error()))
	}
}

// names returns every encoding that a DSN can choose, of up to three steps.
func names() []string {
	steps := []string{"string", "base64", "md5", "sha1", "sha256", "sha512", "safe"}
	all := slices.Clone(steps)
	for _, a := range steps {
		for _, b := range steps {
			all = append(all, a+","+b)
			for _, c := range steps {
				all = append(all, a+","+b+","+c)
			}
		}
	}
	return all
}

func TestNamesRoundTrip(t *testing.T) {
	for _, name := range names() {
		e := byName(t, name)
		again := byName(t, e.String())
		if !again.Equal(e) || again.String() != e.String() {
			t.Errorf("ByName(%q) has the name %v, which is %v", name, e, again)
		}
		for _, k := range []string{"k1", "my key", "", strings.Repeat("x", 300)} {
			if e.Encode(k) != again.Encode(k) {
				t.Errorf("%s and %v differ for %q", name, e, k)
			}
		}
	}
}

// An encoding that ends in a digest or in safe makes every key valid. One that ends in
// base64 does so if the result is not too long or empty.
func TestResultsAreValid(t *testing.T) {
	keys := []string{
		"", "k", "my key", "a\r\nb", "\x00", "\x7f", "ключ", "\xff\xfe", strings.Repeat("x", 250), strings.Repeat("x", 251),
		strings.Repeat("\n", 5000), "~47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
	}
	for _, name := range names() {
		steps := strings.Split(strings.TrimRight(strings.ReplaceAll(name, ",string", ""), ","), ",")
		last := steps[len(steps)-1]
		always := last == "safe" || strings.HasPrefix(last, "sha") || last == "md5"
		e := byName(t, name)
		for _, k := range keys {
			form := e.Encode(k)
			if always && !keyrule.Valid(form) {
				t.Errorf("%s of %.20q: %.40q is not valid: %s", name, k, form, keyrule.Problem(form))
			}
			if last == "base64" && len(form) > 0 && len(form) <= keyrule.MaxLen && !keyrule.Valid(form) {
				t.Errorf("%s of %.20q: %.40q is not valid: %s", name, k, form, keyrule.Problem(form))
			}
		}
	}
}

func TestEncodingsArePure(t *testing.T) {
	for _, name := range names() {
		e := byName(t, name)
		if a, b := e.Encode("my key"), e.Encode("my key"); a != b {
			t.Errorf("%s of one key: %q, then %q", name, a, b)
		}
	}
}

func TestZeroEncoding(t *testing.T) {
	var zero encoding.Encoding
	if zero.Encode("my key") != "my key" || zero.String() != "string" {
		t.Errorf("the zero Encoding encodes %q as %q and has the name %v", "my key", zero.Encode("my key"), zero)
	}
	for _, same := range []encoding.Encoding{byName(t, "none"), byName(t, "string"), byName(t, "string,string"), encoding.Compose(), encoding.Compose(zero)} {
		if !same.Equal(zero) {
			t.Errorf("%v is not equal to the zero Encoding", same)
		}
	}
}

func TestNew(t *testing.T) {
	upper := encoding.New("upper", strings.ToUpper)
	if upper.Encode("k") != "K" || upper.String() != "upper" {
		t.Errorf("%v encodes %q as %q", upper, "k", upper.Encode("k"))
	}
	both := encoding.Compose(upper, encoding.Base64())
	if got := both.Encode("k1"); got != "SzE=" || both.String() != "upper,base64" {
		t.Errorf("%v encodes %q as %q", both, "k1", got)
	}
	if encoding.New("string", strings.ToUpper).Equal(encoding.Encoding{}) {
		t.Error("a custom encoding with the name string is equal to the zero Encoding")
	}
	if _, err := encoding.ByName("upper"); err == nil {
		t.Error("ByName knows a custom encoding")
	}
}

func TestEncodeKeys(t *testing.T) {
	got, err := encoding.EncodeKeys(encoding.Base64(), []string{"k1", "my key", "k1"})
	if want := map[string]string{"azE=": "k1", "bXkga2V5": "my key"}; err != nil || !maps.Equal(got, want) {
		t.Errorf("EncodeKeys: %v and error %v, want %v", got, err, want)
	}
	if got, err := encoding.EncodeKeys(encoding.Base64(), nil); err != nil || len(got) != 0 {
		t.Errorf("EncodeKeys of none: %v and error %v", got, err)
	}
}

func TestEncodeValues(t *testing.T) {
	originals, values, err := encoding.EncodeValues(encoding.Base64(), map[string]int{"k1": 1, "my key": 2})
	if want := map[string]string{"azE=": "k1", "bXkga2V5": "my key"}; err != nil || !maps.Equal(originals, want) {
		t.Errorf("EncodeValues: originals %v and error %v, want %v", originals, err, want)
	}
	if want := map[string]int{"azE=": 1, "bXkga2V5": 2}; !maps.Equal(values, want) {
		t.Errorf("EncodeValues: values %v, want %v", values, want)
	}
}

// Two keys with one encoded form are an error.
func TestCollisions(t *testing.T) {
	lower := encoding.New("lower", strings.ToLower)
	_, err := encoding.EncodeKeys(lower, []string{"a", "Key", "kEY"})
	if !errors.Is(err, encoding.ErrCollision) {
		t.Fatalf("EncodeKeys: error %v, want a collision", err)
	}
	for _, part := range []string{`"Key"`, `"kEY"`, "lower"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error %q does not name %s", err, part)
		}
	}
	originals, values, err := encoding.EncodeValues(lower, map[string]int{"Key": 1, "kEY": 2})
	if !errors.Is(err, encoding.ErrCollision) || originals != nil || values != nil {
		t.Errorf("EncodeValues: %v, %v and error %v; want a collision and no maps", originals, values, err)
	}
}

// Safe gives no two keys the same form.
func FuzzSafe(f *testing.F) {
	form := func(k string) string { return encoding.Safe().Encode(k) }
	f.Add("k1", "my key")
	f.Add("my key", form("my key"))
	f.Add("", form(""))
	f.Add(form("a b"), form(form("a b")))
	f.Add(strings.Repeat("x", 251), strings.Repeat("x", 250))
	f.Add("~"+strings.Repeat("a", 44), "~"+strings.Repeat("a", 43))
	f.Fuzz(func(t *testing.T, a, b string) {
		formA, formB := form(a), form(b)
		if (a == b) != (formA == formB) {
			t.Errorf("%q and %q are encoded as %q and %q", a, b, formA, formB)
		}
		// The form of a key is a key too.
		if a != formA && form(formA) == formA {
			t.Errorf("%q is the form of %q and of itself", formA, a)
		}
		for _, s := range []string{formA, formB} {
			if !keyrule.Valid(s) {
				t.Errorf("%q is not valid: %s", s, keyrule.Problem(s))
			}
		}
	})
}

// A key can be decoded from its base64 form.
func FuzzBase64(f *testing.F) {
	f.Add("k1")
	f.Add("\xff\xfe")
	f.Fuzz(func(t *testing.T, k string) {
		form := encoding.Base64().Encode(k)
		back, err := base64.URLEncoding.DecodeString(form)
		if err != nil || string(back) != k {
			t.Errorf("%q is encoded as %q, which decodes as %q (error %v)", k, form, back, err)
		}
	})
}
