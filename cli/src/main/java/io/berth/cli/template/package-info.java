/**
 * Templates in the language of Go's text/template, with docker's functions, over documents whose
 * types are docker's. A template is read once ({@link io.berth.cli.template.Template}) and answers
 * a text for each value; errors have Go's words and positions, and name what was perhaps meant.
 * Nothing here knows containers or sockets.
 */
@NullMarked
package io.berth.cli.template;

import org.jspecify.annotations.NullMarked;
