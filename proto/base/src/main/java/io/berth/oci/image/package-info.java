/**
 * The documents of an image as values (OCI image-spec 1.1, and docker's schema 2, which differs in
 * media types only), and the names that people give images.
 *
 * <p>An image is a {@link io.berth.oci.image.Manifest}: one {@link io.berth.oci.image.ImageConfig}
 * and the layers, lowest first; an {@link io.berth.oci.image.Index} holds one manifest for each
 * platform. Everything is named by the digest of its bytes, so a parsed document never goes stale.
 * What comes from outside is checked while it is read: a value that exists is valid.
 *
 * <p>Pure: no files, no threads.
 */
@NullMarked
package io.berth.oci.image;

import org.jspecify.annotations.NullMarked;
