package cachetest

// A rule is one that a mapCache can break in one operation. Its text says what happens
// then.
type rule string

// The rules that a driver can break.
const (
	// Keys.
	foldsKeys      rule = "some keys that differ in case are one"
	cutsKeys       rule = "a key of 250 bytes loses its end"
	normalizesKeys rule = "two keys that look the same are one, and so are two that are not UTF-8"
	joinsPaths     rule = "a slash in a key is a colon"

	// Values.
	emptyIsNil       rule = "an empty value is nil"
	cutsStores       rule = "a stored value ends at a line end"
	cutsReads        rule = "a value that is read ends at a line end"
	trimsReads       rule = "a value that is read loses spaces at its end"
	keepsSmallSlices rule = "the slice of a small value is kept"
	keepsLargeSlices rule = "the slice of a value over 4 KiB is kept"
	writesInPlace    rule = "bytes that were returned are overwritten"
	reusesBuffer     rule = "the next read overwrites the bytes that were returned"
	storesText       rule = "bytes that are not UTF-8 are replaced"
	storesStrings    rule = "a stored value ends at a zero byte"
	writesToGiven    rule = "the value that the caller passed is overwritten"
	returnsGiven     rule = "the value that the caller passed is returned as that of the item"
	cutsLarge        rule = "a value that is too large loses its end"
	largeIsOutage    rule = "a value that is too large looks like an outage"
	storesOneKind    rule = "the kind is always text"

	// TTLs.
	losesTTL        rule = "the TTL is lost"
	zeroIsAYear     rule = "no expiry is a year"
	zeroKeepsTTL    rule = "no expiry keeps the TTL that the key had"
	keepsOldTTL     rule = "the TTL that the key had stays"
	truncatesTTL    rule = "a TTL below a second is none"
	monthIsPast     rule = "a TTL of more than 30 days is in the past"
	hugeIsPast      rule = "the largest TTL overflows"
	expiresEarly    rule = "the TTL is a second too short"
	expiresLate     rule = "the TTL is a second too long"
	findsExpired    rule = "an expired item is found"
	findsAtExpiry   rule = "an item is found exactly at its expiry"
	renewsTTL       rule = "the TTL begins anew"
	forgetsTTL      rule = "the TTL is removed"
	hidesTTL        rule = "the TTL is unknown, though other operations know it"
	tellsFullTTL    rule = "the remaining TTL is the whole TTL"
	tellsNoShortTTL rule = "a remaining TTL below a second is none"

	// Reads, stores and deletes.
	wrapsMiss         rule = "a miss is wrapped"
	missIsError       rule = "an absent key is an error of the batch"
	takesAway         rule = "the item is removed"
	storesAlways      rule = "the condition is ignored"
	rejectsSilently   rule = "a rejection returns no error"
	rejectsTooLate    rule = "a rejected operation takes effect"
	leavesAbsentKeys  rule = "an absent key is stored"
	failsThoughStored rule = "a success returns an error"
	removesNothing    rule = "nothing is removed"
	removesNeighbor   rule = "another key is removed as well"
	saysAdded         rule = "a present item is reported as added"

	equalIsRejected rule = "an operation that leaves things as they are is rejected"
	removesLater    rule = "what is stored soon after is removed as well"

	// Batches.
	losesRepeats  rule = "a key that repeats is lost"
	losesOthers   rule = "one failure loses the other keys"
	endsTooEarly  rule = "the end of a large batch is dropped"
	endsAtFailure rule = "a batch ends at the first failure"
	mixesBatches  rule = "results are mixed up"
	sharesKind    rule = "all items of a batch get one kind"
	mixesValues   rule = "values of a large batch are stored at other keys"
	sharesTTL     rule = "all items of a batch get one TTL"

	// Counters.
	returnsOldCount rule = "the count from before is returned"
	storesOldCount  rule = "the count from before is stored"
	ignoresDelta    rule = "the first count is the initial value"
	countsSigns     rule = `"+5" counts`
	countsSpaces    rule = `" 5" counts`
	countsEmpty     rule = "an empty value counts as 0"
	countsLiterals  rule = `"0x10" counts`
	countsPrefixes  rule = `"5x" counts`
	countsTooLarge  rule = "a number over 64 bits counts"
	countsBy32Bits  rule = "numbers have 32 bits"
	stopsOrWraps    rule = "increments stop at the top, or decrements wrap"
	padsCounters    rule = "a counter that lost a digit is padded"

	// Items.
	equalIsNoChange  rule = "a store of equal bytes makes no new state"
	beginsStatesAnew rule = "the states of a key that was deleted begin anew"
	makesNewState    rule = "a new state is made without a store"
	comparesNothing  rule = "the token is not compared"
	goneIsConflict   rule = "an item that is gone is a conflict"
	mixesStates      rule = "the token is of a later state than the value"

	// Concurrency.
	notAtomic     rule = "others can come between look and write"
	touchesNewest rule = "a store can come between the value and the touch"

	// The whole.
	countsNothing rule = "the statistics do not count it"

	// Failures.
	outageIsMiss       rule = "an outage looks like a miss"
	outageIsRejection  rule = "an outage looks like a rejection"
	outageNamesOther   rule = "an outage error names another operation"
	outageIsBare       rule = "an outage error names no driver"
	unreadableIsMiss   rule = "a value that cannot be decoded is a miss"
	unreadableIsOutage rule = "a value that cannot be decoded is an outage"
	returnsUnreadable  rule = "a value that cannot be decoded is returned raw"
)
