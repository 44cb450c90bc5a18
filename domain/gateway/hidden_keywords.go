package gateway

import "context"

// HiddenKeywords are those that staff don't want the public to see. Its methods may be called
// concurrently.
type HiddenKeywords interface {
	// HideKeyword hides a folded keyword, and ShowKeyword shows it again. Both may be repeated.
	HideKeyword(ctx context.Context, folded string) error
	ShowKeyword(ctx context.Context, folded string) error
	// HiddenKeywords returns all hidden keywords, folded, in the order of their bytes.
	HiddenKeywords(ctx context.Context) ([]string, error)
}
