/** Tests of the translation between the wire, what is stored, and the domain's records. */
package io.berth.containerd.api.message;
