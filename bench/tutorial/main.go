// Command tutorial is the search of the tutorial's program, rebuilt as the baseline of
// benchmarks. It makes the same calls to the same libraries with the same settings, and
// leaves out pages, templates and services, which no benchmark measures. It must not know
// the shop. Where it is careless, the tutorial is, too.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/gin-gonic/gin"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// book has the tutorial's six columns, in its order.
type book struct {
	ID          uint      `json:"id"`
	Title       string    `json:"title"`
	Author      string    `json:"author"`
	PublishedAt string    `json:"published_at"`
	Description string    `json:"description"`
	CreatedAt   time.Time `json:"created_at"`
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	dsn := flag.String("dsn", "", "MySQL or MariaDB")
	brokers := flag.String("brokers", "", "Kafka, comma-separated")
	topic := flag.String("topic", "lr-book-searches", "topic of the searches")
	flag.Parse()
	// The tutorial's main panics, too, so it ends if Kafka or the database is away at
	// its start.
	if err := serve(*listen, *dsn, strings.Split(*brokers, ","), *topic); err != nil {
		panic(err)
	}
}

func serve(listen, dsn string, brokers []string, topic string) error {
	db, err := gorm.Open(mysql.Open(dsn), &gorm.Config{})
	if err != nil {
		return err
	}
	if err := db.AutoMigrate(&book{}); err != nil {
		return err
	}
	producer, err := newProducer(brokers)
	if err != nil {
		return err
	}
	// Gin's Run can't report the port that port 0 gets.
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	gin.SetMode(gin.ReleaseMode) // debug mode would slow the baseline down
	router := gin.Default()      // logs requests, as in the tutorial
	router.GET("/api/books", func(c *gin.Context) { getBooks(c, db, producer, topic) })
	return http.Serve(listener, router)
}

func newProducer(brokers []string) (sarama.SyncProducer, error) {
	// All other settings keep sarama's defaults, as in the tutorial: 30 s for a dial,
	// a read and a write, no idempotence, and a request for metadata creates a topic if
	// the broker allows it.
	c := sarama.NewConfig()
	c.Producer.RequiredAcks = sarama.WaitForLocal // as in the tutorial
	c.Producer.Retry.Max = 3                      // as in the tutorial
	c.Producer.Return.Successes = true            // a SyncProducer needs it
	return sarama.NewSyncProducer(brokers, c)
}

func getBooks(c *gin.Context, db *gorm.DB, producer sarama.SyncProducer, topic string) {
	const pageSize = 5 // the tutorial's config.yml
	offset, err := strconv.Atoi(c.DefaultQuery("o", "0"))
	if err != nil {
		c.JSON(http.StatusBadRequest, gin.H{"error": "offset is not a number"})
		return
	}
	keyword := c.Query("q")
	query := db
	if keyword != "" {
		like := "%" + keyword + "%" // not escaped, as in the tutorial
		query = query.Where("title LIKE ? OR author LIKE ? OR description LIKE ?", like, like, like)
	}
	books := []book{}
	if err := query.Offset(offset).Limit(pageSize).Find(&books).Error; err != nil {
		c.JSON(http.StatusNotFound, gin.H{"error": "books can't be read"}) // the tutorial's status
		return
	}
	if keyword != "" {
		value, err := json.Marshal(books)
		if err != nil {
			c.JSON(http.StatusNotFound, gin.H{"error": "books can't be encoded"})
			return
		}
		// The shopper waits for this, and the result is ignored.
		_, _, _ = producer.SendMessage(&sarama.ProducerMessage{
			Topic: topic, Key: sarama.StringEncoder(keyword), Value: sarama.ByteEncoder(value),
		})
	}
	c.JSON(http.StatusOK, books)
}
