package onix

// referenceName returns the reference name of a short tag. It returns any other
// name unchanged.
func referenceName(tag string) string {
	if name, ok := shortTags[tag]; ok {
		return name
	}
	return tag
}

// shortTags has the elements of ONIX 2.1 and 3 that are read.
var shortTags = map[string]string{
	// the message
	"header": "Header", "sender": "Sender", "senderidentifier": "SenderIdentifier", "x298": "SenderName",
	"m172": "FromEANNumber", "m174": "FromCompany", "m175": "FromPerson",
	"m184": "DefaultLanguageOfText", "m185": "DefaultPriceTypeCode", "m186": "DefaultCurrencyCode",
	// the record
	"product": "Product", "a001": "RecordReference", "a002": "NotificationType",
	"productidentifier": "ProductIdentifier", "b221": "ProductIDType", "b244": "IDValue", "b004": "ISBN", "b005": "EAN13",
	// the description
	"descriptivedetail": "DescriptiveDetail", "titledetail": "TitleDetail", "titleelement": "TitleElement",
	"x409": "TitleElementLevel", "x410": "PartNumber", "b020": "YearOfAnnual", "x478": "TitleStatement", "collection": "Collection",
	"title": "Title", "b202": "TitleType", "b203": "TitleText", "b028": "DistinctiveTitle", "b029": "Subtitle",
	"b030": "TitlePrefix", "b031": "TitleWithoutPrefix",
	"series": "Series", "b018": "TitleOfSeries", "b019": "NumberWithinSeries",
	"contributor": "Contributor", "b034": "SequenceNumber", "b035": "ContributorRole", "b036": "PersonName",
	"b037": "PersonNameInverted", "b039": "NamesBeforeKey", "b247": "PrefixToKey", "b040": "KeyNames",
	"b041": "NamesAfterKey", "alternativename": "AlternativeName", "name": "Name", "b248": "SuffixToKey", "b047": "CorporateName", "b249": "UnnamedPersons",
	"b057": "EditionNumber", "b058": "EditionStatement",
	"language": "Language", "b253": "LanguageRole", "b252": "LanguageCode", "b059": "LanguageOfText",
	"subject": "Subject", "b067": "SubjectSchemeIdentifier", "b070": "SubjectHeadingText",
	// texts and pictures
	"collateraldetail": "CollateralDetail", "textcontent": "TextContent", "x426": "TextType",
	"othertext": "OtherText", "d102": "TextTypeCode", "d103": "TextFormat", "d104": "Text",
	"supportingresource": "SupportingResource", "x436": "ResourceContentType", "resourceversion": "ResourceVersion", "x435": "ResourceLink",
	"mediafile": "MediaFile", "f114": "MediaFileTypeCode", "f117": "MediaFileLink",
	// publishing
	"publishingdetail": "PublishingDetail", "imprint": "Imprint", "b079": "ImprintName",
	"publisher": "Publisher", "b291": "PublishingRole", "b081": "PublisherName",
	"publishingdate": "PublishingDate", "x448": "PublishingDateRole", "b306": "Date", "j260": "DateFormat",
	"b003": "PublicationDate", "b088": "YearFirstPublished",
	// supply
	"productsupply": "ProductSupply", "supplydetail": "SupplyDetail", "j396": "ProductAvailability", "j141": "AvailabilityCode",
	"stock": "Stock", "j350": "OnHand", "price": "Price", "x462": "PriceType", "j148": "PriceTypeCode",
	"j261": "PriceQualifier", "j263": "MinimumOrderQuantity", "pricedate": "PriceDate", "x476": "PriceDateRole", "j161": "PriceEffectiveFrom", "j162": "PriceEffectiveUntil",
	"j192": "UnpricedItemType", "j151": "PriceAmount", "j152": "CurrencyCode",
}
