package config

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"go.yaml.in/yaml/v3"
)

const envPrefix = "EVENT_BOOKS_"

// SettingError reports a wrong setting and the place where it was set.
type SettingError struct {
	// Setting is the YAML path, such as "app.port".
	Setting string
	// Origin is "config.yml:3", the name of a variable, "environment" or "default".
	Origin string
	Reason string
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("%s: %s: %s", e.Origin, e.Setting, e.Reason)
}

// setting is a leaf of Config.
type setting struct {
	path   string
	value  reflect.Value
	secret string
}

// settings returns the leaves of c in the order of the struct.
func (c *Config) settings() []setting {
	return leaves("", reflect.ValueOf(c).Elem())
}

func leaves(prefix string, v reflect.Value) []setting {
	var list []setting
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, ok := field.Tag.Lookup("yaml")
		if !ok {
			continue
		}
		if field.Type.Kind() == reflect.Struct {
			list = append(list, leaves(prefix+name+".", v.Field(i))...)
			continue
		}
		list = append(list, setting{prefix + name, v.Field(i), field.Tag.Get("secret")})
	}
	return list
}

func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.path, ".", "_"))
}

// set parses text, or the items of a list, and sets the value.
func (s setting) set(text string, items []string) error {
	switch target := s.value.Addr().Interface().(type) {
	case *string:
		*target = text
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("must be a whole number, not %q", text)
		}
		*target = n
	case *bool:
		switch strings.ToLower(text) {
		case "true", "false":
			*target = strings.EqualFold(text, "true")
		default:
			return fmt.Errorf("must be true or false, not %q", text)
		}
	case *time.Duration:
		d, err := ParseDuration(text)
		if err != nil {
			return fmt.Errorf("must be a duration such as 15s, 10m, 12h or 35d, not %q", text)
		}
		*target = d
	case *[]string:
		*target = items
	default:
		panic(fmt.Sprintf("config: %s has a type without a parser", s.path))
	}
	return nil
}

// String formats the value as YAML and masks secrets.
func (s setting) String() string {
	switch value := s.value.Interface().(type) {
	case string:
		if value == "" {
			return `""`
		}
		switch s.secret {
		case "true":
			value = "***"
		case "dsn":
			value = maskDSN(value)
		}
		return strconv.Quote(value)
	case time.Duration:
		return formatDuration(value)
	case []string:
		quoted := make([]string, len(value))
		for i, item := range value {
			quoted[i] = strconv.Quote(item)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	default:
		return fmt.Sprint(value)
	}
}

func maskDSN(dsn string) string {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return "***"
	}
	if cfg.Passwd != "" {
		cfg.Passwd = "***"
	}
	return cfg.FormatDSN()
}

// ParseDuration is time.ParseDuration with the unit d for days.
func ParseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n > 36500 || n < -36500 {
			return 0, fmt.Errorf("not a number of days: %q", text)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return time.ParseDuration(text)
}

func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d != 0 && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	return d.String()
}

func (c *Config) overlayYAML(settings []setting, filename string, content []byte) (errs []error) {
	var doc, more yaml.Node
	file := yaml.NewDecoder(bytes.NewReader(content))
	if err := file.Decode(&doc); err == io.EOF { // empty, or comments only
		return nil
	} else if err != nil {
		return []error{fmt.Errorf("%s: %w", filename, err)}
	}
	if err := file.Decode(&more); err != io.EOF {
		return []error{fmt.Errorf("%s: holds more than one YAML document", filename)}
	}
	fail := func(path string, line int, format string, args ...any) {
		errs = append(errs, &SettingError{path, fmt.Sprintf("%s:%d", filename, line), fmt.Sprintf(format, args...)})
	}
	seen := map[string]int{}
	var walk func(prefix string, node *yaml.Node)
	walk = func(prefix string, node *yaml.Node) {
		if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
			return // a section whose keys are all commented out
		}
		if node.Kind != yaml.MappingNode {
			name := strings.TrimSuffix(prefix, ".")
			if name == "" {
				name = "the file"
			}
			fail(name, node.Line, "must be a section of settings, expected keys: %s", strings.Join(below(settings, prefix), ", "))
			return
		}
		for i := 0; i < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			path := prefix + key.Value
			if line, twice := seen[path]; twice {
				fail(path, key.Line, "is already set in line %d", line)
				continue
			}
			seen[path] = key.Line
			if at := slices.IndexFunc(settings, func(s setting) bool { return s.path == path }); at >= 0 {
				if err := setNode(settings[at], value); err != nil {
					fail(path, value.Line, "%v", err)
				}
				c.origin[path] = fmt.Sprintf("%s:%d", filename, key.Line)
				continue
			}
			if len(below(settings, path+".")) > 0 {
				walk(path+".", value)
				continue
			}
			fail(path, key.Line, "is not a setting, expected one of: %s", strings.Join(below(settings, prefix), ", "))
		}
	}
	walk("", doc.Content[0])
	return errs
}

// below returns the keys directly under a section.
func below(settings []setting, prefix string) []string {
	var keys []string
	for _, s := range settings {
		if rest, ok := strings.CutPrefix(s.path, prefix); ok {
			key, _, _ := strings.Cut(rest, ".")
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

func setNode(s setting, node *yaml.Node) error {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	_, isList := s.value.Interface().([]string)
	switch {
	case isList && node.Kind == yaml.SequenceNode:
		items := make([]string, len(node.Content))
		for i, item := range node.Content {
			if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
				return fmt.Errorf("must be a list of texts")
			}
			items[i] = item.Value
		}
		return s.set("", items)
	case isList && node.Kind == yaml.ScalarNode && node.Tag == "!!null":
		return s.set("", nil)
	case isList:
		return fmt.Errorf("must be a list")
	case node.Kind != yaml.ScalarNode:
		return fmt.Errorf("must be a single value")
	case node.Tag == "!!null":
		return nil
	}
	if s.value.Kind() == reflect.Int && node.Tag != "!!int" {
		if _, err := strconv.Atoi(node.Value); err == nil {
			return fmt.Errorf("must be a whole number without quotes: %s", node.Value)
		}
		return fmt.Errorf("must be a whole number, not %q", node.Value)
	}
	if s.value.Kind() == reflect.Bool && node.Tag != "!!bool" {
		return fmt.Errorf("must be true or false without quotes, not %q", node.Value)
	}
	return s.set(node.Value, nil)
}

func (c *Config) overlayEnv(settings []setting, environ []string) (errs []error) {
	vars := map[string]string{}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && strings.HasPrefix(name, envPrefix) {
			vars[name] = value
		}
	}
	for _, s := range settings {
		name, fileName := s.env(), s.env()+"_FILE"
		text, set := vars[name]
		file, fromFile := vars[fileName]
		delete(vars, name)
		delete(vars, fileName)
		switch {
		case set && fromFile:
			errs = append(errs, &SettingError{s.path, fileName, "is set together with " + name})
			continue
		case fromFile:
			content, err := os.ReadFile(file)
			if err != nil {
				errs = append(errs, &SettingError{s.path, fileName, "can't be read: " + err.Error()})
				continue
			}
			name, text = fileName, strings.TrimRight(string(content), "\r\n")
		case !set:
			continue
		}
		if err := s.set(text, splitList(text)); err != nil {
			errs = append(errs, &SettingError{s.path, name, err.Error()})
		}
		c.origin[s.path] = name
	}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		errs = append(errs, &SettingError{name, "environment", "is not a setting of this program"})
	}
	return errs
}

func splitList(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// Print writes all settings as YAML, with masked secrets. A comment names the place where
// each was set.
func (c *Config) Print(w io.Writer) error {
	var open []string // the sections of the line before
	for _, s := range c.settings() {
		keys := strings.Split(s.path, ".")
		sections, key := keys[:len(keys)-1], keys[len(keys)-1]
		for depth, section := range sections {
			if depth < len(open) && open[depth] == section {
				continue
			}
			if _, err := fmt.Fprintf(w, "%s%s:\n", strings.Repeat("  ", depth), section); err != nil {
				return err
			}
			open = sections[:depth] // sections within another one are closed
		}
		open = sections
		line := fmt.Sprintf("%s%s: %s", strings.Repeat("  ", len(sections)), key, s)
		if _, err := fmt.Fprintf(w, "%-60s # %s\n", line, c.originOf(s.path)); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) originOf(path string) string {
	if origin, ok := c.origin[path]; ok {
		return origin
	}
	return "default"
}
