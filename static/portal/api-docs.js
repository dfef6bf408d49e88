// The document of the API as pages. Swagger UI comes from this host.
const place = document.getElementById("api-docs");
window.SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  validatorUrl: null, // which is another host
  tryItOutEnabled: true,
  persistAuthorization: false,
});
