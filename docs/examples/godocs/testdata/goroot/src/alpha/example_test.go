package alpha_test

import (
	"alpha"
	"fmt"
)

func ExampleThing_Size_named() {
	t := alpha.NewThing("<thing>")
	fmt.Println(t.Size()) // one
	// Output:
	// 1
}
