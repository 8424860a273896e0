// Told in this order, the longest first, so that no one waits for the last.
import "./journey.e2e";
import "./review.e2e";
import "./bulk.e2e";
import "./accessibility.e2e";
import "./generator.e2e";
import "./looks.e2e";
import "./uploads.e2e";
import "./events.e2e";
import "./account.e2e";
import "./library.e2e";
import "./session.e2e";
import "./keys.e2e";
import "./many.e2e";
import "./deliver.e2e";
import "./size.e2e";
import "./queue.e2e";
