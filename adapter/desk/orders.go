package desk

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

	"literank.com/event-books/adapter/query"
	"literank.com/event-books/application/orders"
	"literank.com/event-books/domain/demand"
	"literank.com/event-books/domain/model"
)

// OrdersPath is the page with the order list. A form to the same address changes an entry.
const OrdersPath = Path + "/orders"

// ordersData is the data of orders.html.
type ordersData struct {
	frame
	Completeness model.Completeness
	// Choices are the states that can be shown, Action is the address of all forms.
	Choices []choice
	Action  string
	Total   int
	// Missing are what the shop lacks, Rescued what showed other books.
	Missing, Rescued []listedOrder
	CSV              string
	Prev, Next       string
	Unopened         []listedUnopened
	OutOfStock       []linkedOutOfStock
	// MaxNote bounds notes.
	MaxNote int
}

// listedOrder is an entry with its links and its form.
type listedOrder struct {
	orders.Entry
	Link, BookLink string
	States         []choice
	// Shown is the choice of states to come back to.
	Shown string
}

type listedUnopened struct {
	orders.Unopened
	Link string
}

type linkedOutOfStock struct {
	orders.OutOfStock
	Link, BookLink string
}

// ordersPerPage is the number of entries of a page.
const ordersPerPage = 50

var orderChoices = []choice{
	{Value: query.Waiting, Label: "Waiting"}, {Value: string(demand.Open), Label: "Open"}, {Value: string(demand.Ordered), Label: "Ordered"},
	{Value: string(demand.Done), Label: "Done"}, {Value: string(demand.Ignored), Label: "Ignored"}, {Value: query.AllStates, Label: "All"},
}

// stateNames are the states in the order in which a form offers them.
var stateNames = []choice{
	{Value: string(demand.Open), Label: "Open"}, {Value: string(demand.Ordered), Label: "Ordered"},
	{Value: string(demand.Done), Label: "Done"}, {Value: string(demand.Ignored), Label: "Ignored"},
}

func chosen(choices []choice, value string) []choice {
	list := make([]choice, len(choices))
	for i, c := range choices {
		c.Chosen = c.Value == value
		list[i] = c
	}
	return list
}

// Orders answers with the order list.
func (p *Pages) Orders(c *gin.Context) error {
	asked, err := query.ParseOrders(query.Known(c.Request.URL.RawQuery, query.State, query.Offset), ordersPerPage)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	list, total, err := p.Options.Orders.Entries(ctx, asked.States, asked.Offset, asked.Limit)
	if err != nil {
		return err
	}
	data := &ordersData{
		frame: frame{Title: "Order list", Here: OrdersPath}, Action: p.Links.To(OrdersPath, nil), Total: total, MaxNote: demand.MaxNote,
		Choices: chosen(orderChoices, asked.State),
		CSV:     p.Links.To("/api/insights/orders", url.Values{query.State: {asked.State}, query.PageSize: {strconv.Itoa(query.MaxOrders)}, query.Format: {"csv"}}),
	}
	if data.Completeness, err = p.Options.Orders.Completeness(); err != nil {
		return err
	}
	for _, e := range list {
		row := listedOrder{Entry: e, Link: p.keywordLink(e.Keyword), States: chosen(stateNames, string(e.State)), Shown: asked.State}
		if e.Book != nil {
			row.BookLink = p.Links.ToBook("/books", e.Book.ID)
		}
		if e.Kind == orders.Rescued {
			data.Rescued = append(data.Rescued, row)
		} else {
			data.Missing = append(data.Missing, row)
		}
	}
	page := func(offset int) string {
		return p.Links.To(OrdersPath, url.Values{query.State: {asked.State}, query.Offset: {strconv.Itoa(offset)}})
	}
	if asked.Offset > 0 {
		data.Prev = page(max(0, asked.Offset-asked.Limit))
	}
	if asked.Offset+asked.Limit < total {
		data.Next = page(asked.Offset + asked.Limit)
	}
	if asked.Offset == 0 {
		if err := p.addMissed(c, data); err != nil {
			return err
		}
	}
	return p.render(c, http.StatusOK, "orders.html", data)
}

// addMissed adds what was found and not opened, or can't be bought.
func (p *Pages) addMissed(c *gin.Context, data *ordersData) error {
	unopened, outOfStock, err := p.Options.Orders.Missed(c.Request.Context())
	for _, u := range unopened {
		data.Unopened = append(data.Unopened, listedUnopened{u, p.keywordLink(u.Keyword)})
	}
	for _, o := range outOfStock {
		data.OutOfStock = append(data.OutOfStock, linkedOutOfStock{o, p.keywordLink(o.Keyword), p.Links.ToBook("/books", o.Book.ID)})
	}
	return err
}

// keywordLink leads to the page of a keyword, over the longest window.
func (p *Pages) keywordLink(keyword string) string {
	return p.Links.To(KeywordPath, url.Values{query.Keyword: {keyword}, query.Window: {"30d"}})
}

// ChangeOrder takes the form of an entry, and leads back to the list.
func (p *Pages) ChangeOrder(c *gin.Context) error {
	if err := p.Options.Orders.Decide(c.Request.Context(), c.PostForm("id"), demand.State(c.PostForm(query.State)), c.PostForm(query.Note)); err != nil {
		return err
	}
	back := url.Values{}
	if shown := c.PostForm("shown"); shown != query.Waiting && shown != "" {
		back.Set(query.State, shown)
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, p.Links.To(OrdersPath, back))
	return nil
}
