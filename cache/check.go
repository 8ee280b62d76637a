package cache

// CheckKey returns the ErrInvalidKey that an operation on key would answer, or nil. It
// sends nothing: for code that keeps a key for later, or takes it from a user.
func (c *Cache) CheckKey(key string) error {
	_, err := c.legal(key)
	return err
}
