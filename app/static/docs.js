// Starts Swagger UI on this server's own document.
window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    displayRequestDuration: true,
    persistAuthorization: false,
    syntaxHighlight: { activated: true },
    validatorUrl: null,
  });
});
