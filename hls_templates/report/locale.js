// Before the library of charts, which asks for numbers in the language of the browser: some systems name none that is.
"use strict";
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en-US", configurable: true });
}
