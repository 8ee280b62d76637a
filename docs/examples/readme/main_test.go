package main

func Example() {
	main()
	// Output:
	// Ann <nil>
	// <nil>
}
