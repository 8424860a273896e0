/**
 * What is said for the reason of an ErrorInfo: what happened, and what to do next.
 *
 * An empty first sentence leaves the server's own, which names what it is about.
 */
export const SENTENCES: Record<string, [message: string, hint: string]> = {
  // Identity
  INVALID_CREDENTIALS: ["The address or the password is wrong.", "Check both and try again."],
  TOO_MANY_ATTEMPTS: ["Too many attempts to sign in.", "Wait a minute, then try again."],
  SIGN_IN_BUSY: ["Too many people are signing in right now.", "Try again in a moment."],
  EMAIL_TAKEN: ["There is an account with this address already.", "Sign in instead."],
  REFRESH_TOKEN_INVALID: ["You were signed out.", "Sign in again."],
  REFRESH_TOKEN_REUSED: ["You were signed out, because your session was used in two places.", "Sign in again."],
  SESSION_REVOKED: ["You were signed out from another device.", "Sign in again."],
  SESSION_EXPIRED: ["Your session has expired.", "Sign in again."],
  ACCESS_DENIED: ["Your role does not allow this.", "Ask an owner or admin of the organization."],
  ROLE_ABOVE_OWN: ["Only an owner may grant or change the role of owner.", "Ask an owner of the organization."],
  LAST_OWNER: ["The last owner cannot leave or become less.", "Make somebody else an owner first."],
  ALREADY_MEMBER: ["", "Change the role in the list of members instead."],
  INVITATION_NOT_YOURS: ["This invitation is for another address.", "Sign in with the address that was invited."],
  INVITATION_USED: ["This invitation was accepted before.", "Sign in to work in the organization."],
  INVITATION_EXPIRED: ["This invitation has expired.", "Ask for a new one."],
  INVITATION_NOT_FOUND: ["There is no such invitation.", "A later one may have replaced it: use the newest link."],
  // Catalog
  SKU_TAKEN: ["", "Give another SKU, or open the product that has it."],
  HANDLE_TAKEN: ["", "Choose another handle."],
  NAME_TAKEN: ["", "Choose another name."],
  CODE_TAKEN: ["", "Choose another code."],
  STATE_CONFLICT: ["", "It has changed meanwhile: look at it as it is now."],
  ETAG_MISMATCH: ["Somebody changed this since you opened it.", "Reload to see both, then save again."],
  SYSTEM_SHOT_TYPE: ["Shot types of the system set cannot be changed.", "Create one of your own from it."],
  // Media
  NOT_A_PICTURE: ["", "Send PNG, JPEG, WebP or GIF."],
  TRUNCATED: ["The file is cut off before its end.", "Export it again and send it once more."],
  TOO_MANY_PIXELS: ["", "Send a smaller version."],
  TOO_LARGE: ["", "Send a smaller version."],
  TYPE_MISMATCH: ["", "Give the file the ending of what it is."],
  CHECKSUM_MISMATCH: ["The file changed on its way.", "Send it once more."],
  SIZE_MISMATCH: ["The file changed while it was sent.", "Send it once more."],
  BYTES_CHANGED: ["The file changed while it was judged.", "Send it once more."],
  TOO_SLOW: ["Judging the file took too long.", "Try again."],
  INTERRUPTED: ["Judging the file was interrupted.", "Try again."],
  UPLOAD_EXPIRED: ["The upload was not finished within 24 hours.", "Send the file once more."],
  UPLOAD_INCOMPLETE: ["Parts of the file did not arrive.", "Send it once more."],
  // Shooting
  SHOT_IN_USE: ["Something was generated for this shot already.", "It stays; reject what you do not want."],
  GENERATION_RUNNING: ["A generation of the shooting is running.", "Wait until it ends, or cancel it in the queue."],
  PREDICTION_NOT_READY: ["This picture is not ready yet.", "Wait until it is there."],
  PREDICTION_DECIDED: ["This was decided that way already.", ""],
  NOTHING_TO_UNDO: ["There is no decision to undo.", ""],
  REVISION_STARTED: ["The revision has started and cannot be undone.", "Cancel its generation in the queue."],
  DECISION_UNDONE: ["This was undone already.", ""],
  DECISION_NOT_LATEST: ["Something was decided about it since.", "Look at it as it is now, and undo that first."],
  DECISION_OF_ANOTHER: ["Another person decided that.", "Owners and admins may undo it."],
  // Generation
  PRODUCT_WITHOUT_PHOTO: ["The product has no front photo to make pictures from.", "Add one on the product's page."],
  // Delivery
  SHOT_NOT_APPROVED: ["", "Only approved pictures are delivered: approve them, or take them out."],
  NOTHING_APPROVED: ["No picture of the shooting is approved yet.", "Review it first."],
  ZIP_NOT_THERE: ["The zip is not there yet, or has expired.", "Create the export again."],
  TARGET_IN_USE: ["An export delivers to this target right now.", "Wait until it ends, or cancel it."],
  // Everywhere
  FIELD_INVALID: ["", "Mend the marked fields."],
  REQUEST_ID_REUSED: ["This was sent before with other content.", "Reload the page and try again."],
  RATE_LIMITED: ["That was too much at once.", "It is tried again in a moment."],
  STORE_UNAVAILABLE: ["The service cannot reach its data right now.", "Nothing was changed. Try again in a moment."],
  MEDIA_UNAVAILABLE: ["Pictures cannot be asked for right now.", "Nothing was changed. Try again in a moment."],
  CATALOG_UNAVAILABLE: ["The catalog cannot be asked right now.", "Nothing was changed. Try again in a moment."],
  GENERATION_UNAVAILABLE: ["Generation cannot be asked right now.", "Nothing was changed. Try again in a moment."],
  OBJECT_STORE_UNAVAILABLE: ["The file store cannot be asked right now.", "Try again in a moment."],
  INTERNAL: ["Something went wrong on our side.", "Try again; if it stays, report the request id."],
};
