import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ImageOff } from "lucide-react";
import { useMemo, useState, type CSSProperties } from "react";
import { thumbHashToDataURL } from "thumbhash";
import { keys } from "~/api/keys";
import { mediaQuery, urlQuery, type Edge } from "~/api/media";
import { cx } from "~/lib/cx";

interface PictureProps {
  mediaId: string;
  /** What it shows. Empty if what stands beside it says so already. */
  alt: string;
  /** The longest edge of the rendition. 512 unless told otherwise; 0 is the file itself. */
  edge?: Edge;
  /** Whether the box is filled, and the edges cut, or the whole picture is shown. */
  fit?: "cover" | "contain";
  /** The ThumbHash, if it is known already: saves asking for the media. */
  placeholder?: Uint8Array | undefined;
  /** Above the fold: load it now. */
  eager?: boolean;
  className?: string;
  style?: CSSProperties;
}

/** A picture by the id of its media, in a box of the caller's size, with its placeholder until it is there. */
export function Picture({ mediaId, alt, edge = 512, fit = "cover", placeholder, eager, className, style }: PictureProps) {
  const cache = useQueryClient();
  const about = useQuery({ ...mediaQuery(mediaId), enabled: mediaId !== "" && !placeholder });
  const signed = useQuery(urlQuery(mediaId, edge));
  const [shown, setShown] = useState("");
  const [broken, setBroken] = useState("");
  const hash = placeholder ?? about.data?.placeholder;
  const blur = useMemo(() => (hash && hash.length > 0 ? thumbHashToDataURL(hash) : undefined), [hash]);
  const url = signed.data?.url;
  const isMissing = mediaId === "" || signed.isError || (url !== undefined && broken === url);
  const isContained = fit === "contain";
  return (
    <span
      className={cx("relative block overflow-hidden bg-sunken", className)}
      style={{ ...style, ...(blur && shown !== url && { backgroundImage: `url(${blur})`, backgroundSize: fit === "cover" ? "cover" : "contain", backgroundPosition: "center", backgroundRepeat: "no-repeat" }) }}
    >
      {isMissing ? (
        <span className="absolute inset-0 grid place-items-center text-soft" role="img" aria-label={alt && mediaId ? `${alt} (cannot be shown)` : "No picture"}>
          <ImageOff aria-hidden className="size-5 opacity-60" />
        </span>
      ) : (
        url && (
          <img
            src={url}
            alt={alt}
            draggable={false}
            loading={eager ? "eager" : "lazy"}
            decoding="async"
            className={cx("absolute inset-0 size-full", isContained ? "object-contain" : "object-cover")}
            onLoad={() => setShown(url)}
            onError={() => {
              // The signature may have ended while the tab slept: one more with a fresh one.
              if (broken === "") void cache.invalidateQueries({ queryKey: keys.url(mediaId, edge) });
              setBroken(url);
            }}
          />
        )
      )}
    </span>
  );
}
