package application

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"literank.com/event-books/infrastructure/disk"
)

// shopFile is data_dir/shop.json. It says which embedded database belongs to the folder,
// so that a start never takes a lost catalogue for a new shop.
type shopFile struct {
	// DatabaseID is the random id of books.db.
	DatabaseID string `json:"database_id"`
}

func shopFilePath(dataDir string) string { return filepath.Join(dataDir, "shop.json") }

// readShopFile returns the zero value if the folder has no such file. If the file can't be
// read, or has no id, the error wraps errLostCatalogue: the folder has a history, and nobody
// knows which.
func readShopFile(dataDir string) (f shopFile, err error) {
	name := shopFilePath(dataDir)
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &f)
	}
	if err == nil && f.DatabaseID == "" {
		err = errors.New("it names no database")
	}
	if err != nil {
		return f, fmt.Errorf("%w: %s is damaged (%w). Restore it from a backup; or delete it to go on with the database that is there, or else with the starter catalogue", errLostCatalogue, name, err)
	}
	return f, nil
}

func (f shopFile) write(dataDir string) error {
	if err := disk.ReplaceJSON(shopFilePath(dataDir), f); err != nil {
		return fmt.Errorf("write shop file: %w", err)
	}
	return nil
}
