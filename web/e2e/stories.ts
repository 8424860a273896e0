// Told in this order, the longest first, so that no one waits for the last.
import "./review.e2e";
import "./accessibility.e2e";
import "./generator.e2e";
import "./looks.e2e";
import "./uploads.e2e";
import "./events.e2e";
import "./account.e2e";
import "./size.e2e";
