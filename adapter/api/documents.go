package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	documents "literank.com/event-books/api"
	"literank.com/event-books/domain/model"
)

// OpenAPI answers with the description of the HTTP API.
func OpenAPI(c *gin.Context) { answerDocument(c, "application/yaml", documents.OpenAPI) }

// AsyncAPI answers with the description of the events.
func AsyncAPI(c *gin.Context) { answerDocument(c, "application/yaml", documents.AsyncAPI) }

// Schema answers with a JSON Schema of the events.
func Schema(c *gin.Context) error {
	content, err := documents.Schemas.ReadFile("schemas/" + c.Param("event") + "/" + c.Param("file"))
	if err != nil {
		return model.Errorf(model.NotFound, "", "there is no such schema")
	}
	answerDocument(c, "application/schema+json", content)
	return nil
}

func answerDocument(c *gin.Context, mime string, content []byte) {
	c.Header("Cache-Control", "no-cache")
	c.Data(http.StatusOK, mime, content)
}
