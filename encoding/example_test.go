package encoding_test

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"strings"

	"github.com/larder-go/larder/encoding"
)

func ExampleByName() {
	for _, name := range []string{"string", "base64", "sha1", "safe"} {
		e, err := encoding.ByName(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(e, e.Encode("my key"))
	}
	// Output:
	// string my key
	// base64 bXkga2V5
	// sha1,base64 RigVwkWdSuGyFu7au08PzUMloU8=
	// safe ~oOEtYB4QFU_ldD_W0ro3SSNlB3tIXwbBMe9JVCAAUlM=
}

func ExampleSafe() {
	e := encoding.Safe()
	fmt.Println(e.Encode("user:1"))
	fmt.Println(e.Encode("search: red shoes"))
	// Output:
	// user:1
	// ~nDNYzoS7Xcm8SLrszIzAoRhhkfwMpKwjqyf8syUg5yw=
}

func ExampleCompose() {
	e := encoding.Compose(encoding.Hash("sha1", sha1.New), encoding.Base64())
	fmt.Println(e, e.Encode("my key"))
	// Output: sha1,base64 RigVwkWdSuGyFu7au08PzUMloU8=
}

// A custom encoding.
func ExampleNew() {
	e := encoding.New("lower", strings.ToLower)
	fmt.Println(e.Encode("User:1"))
	// Output: user:1
}

// Keys with the same encoded form are an error.
func ExampleEncodeKeys() {
	originals, err := encoding.EncodeKeys(encoding.Base64(), []string{"k1", "my key"})
	fmt.Println(originals, err)

	_, err = encoding.EncodeKeys(encoding.New("lower", strings.ToLower), []string{"K", "k"})
	fmt.Println(errors.Is(err, encoding.ErrCollision))
	// Output:
	// map[azE=:k1 bXkga2V5:my key] <nil>
	// true
}
