"""The forward pass of a training: open_clip's, without what nobody reads.

open_clip carries every token through every layer, padding included. But an image is read off its class token and a
caption off its end, so of the last layer no other token is needed; and captions are read from left to right, so nothing
depends on the padding behind their end. The same numbers, up to rounding, come from half of the multiplications.

The one query that is left in the last layer goes to the tokens, in place of a key and a value of each token to it. With
ŷ_j the normalised token j, and q, W_k, W_v those of one head,

    q · (W_k ŷ_j + b_k) = (W_kᵀ q) · ŷ_j + q · b_k          Σ_j a_j (W_v ŷ_j + b_v) = W_v Σ_j a_j ŷ_j + b_v

where q · b_k is the same for all j, which the softmax over j does not see.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from mindgap import geometry, miniclip
from mindgap.miniclip import CLIP
from mindgap.scenes import Scenes

_AT_ONCE = 500  # scenes embedded together where there is no gradient


def forward(model: CLIP, first: Shaped[Tensor, "b ..."], second: Shaped[Tensor, "b ..."]) -> tuple[Tensor, ...]:
    """What `model(first, second)` returns: unit rows of both towers (b, d), 1/τ and, of a sigmoid loss, its bias."""
    x, y = (F.normalize(_through(*pair), dim=-1) for pair in zip(_towers(model), (first, second), strict=True))
    learned = (model.logit_scale.exp(), model.logit_bias)
    return x, y, *(one for one in learned if one is not None)


@torch.no_grad()
def encode(model: CLIP, pairs: Scenes) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
    """The unit embeddings of captioned scenes by both towers, as `miniclip.encode`. Raises ValueError if not finite."""
    device = next(model.parameters()).device
    both = zip(_towers(model), miniclip.views(pairs, "-".join(miniclip.modalities_of(model))), strict=True)
    parts = [[_through(tower, part.to(device)) for part in view.split(_AT_ONCE)] for tower, view in both]
    x, y = (geometry.normalize(torch.cat(tower)) for tower in parts)
    return x, y


def _towers(model: CLIP) -> tuple[Any, Any]:
    """Both towers; open_clip's CLIP has the parts of its text tower as its own."""
    return model.visual, getattr(model, "text", model)


def _through(tower: Any, view: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b d"]:
    """One tower's embeddings, of any norm, of pictures (b, 3, size, size) or of tokens (b, length)."""
    return _of_pictures(tower, view) if view.ndim == 4 else _of_captions(tower, view)


def _of_pictures(tower: Any, images: Float[Tensor, "b 3 size size"]) -> Float[Tensor, "b d"]:
    side = tower.conv1.kernel_size[0]  # a convolution of patches side by side is a product
    patches = images.unflatten(3, (-1, side)).unflatten(2, (-1, side)).permute(0, 2, 4, 1, 3, 5)
    x = F.linear(patches.flatten(3).flatten(1, 2), tower.conv1.weight.flatten(1))
    x = torch.cat([tower.class_embedding.expand(len(x), 1, -1), x], dim=1) + tower.positional_embedding
    first = torch.zeros(len(x), dtype=torch.long, device=x.device)
    embeddings: Tensor = tower.ln_post(_at_the_end(tower, tower.ln_pre(x), first)) @ tower.proj
    return embeddings


def _of_captions(tower: Any, tokens: Int[Tensor, "b length"]) -> Float[Tensor, "b d"]:
    ends = tokens.argmax(dim=1)  # the end of a caption is the highest number
    tokens = tokens[:, : int(ends.max()) + 1]
    x = tower.token_embedding(tokens) + tower.positional_embedding[: tokens.shape[1]]
    behind = torch.arange(tokens.shape[1], device=tokens.device) > ends[:, None]
    embeddings: Tensor = tower.ln_final(_at_the_end(tower, x, ends, behind)) @ tower.text_projection
    return embeddings


def _at_the_end(
    tower: Any, x: Float[Tensor, "b n c"], at: Int[Tensor, " b"], behind: Bool[Tensor, "b n"] | None = None
) -> Float[Tensor, "b c"]:
    """What the last layer makes of the token `at` a place of each sequence; of captions, `behind` has the padding."""
    *layers, last = tower.transformer.resblocks
    for layer in layers:
        x = _added(layer, x, _of_all(layer.attn, layer.ln_1(x), causal=behind is not None))
    rows = x.shape[1] * torch.arange(len(x), device=x.device) + at
    read = x.flatten(0, 1).index_select(0, rows)
    return _added(last, read, _of_one(last.attn, last.ln_1(read), last.ln_1(x), behind))


def _added(layer: Any, x: Float[Tensor, "... c"], heard: Float[Tensor, "... c"]) -> Float[Tensor, "... c"]:
    """Tokens with what they heard by attention, and then with what the layer makes of it."""
    x = x + heard
    further: Tensor = layer.mlp(layer.ln_2(x))
    return x + further


def _of_all(attention: Any, x: Float[Tensor, "b n c"], causal: bool) -> Float[Tensor, "b n c"]:
    """What every token hears of all or, in a caption, of those up to itself."""
    three = F.linear(x, attention.in_proj_weight, attention.in_proj_bias)
    q, k, v = three.unflatten(2, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
    heard = F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).flatten(2)
    return _projected(attention, heard)


def _of_one(
    attention: Any, read: Float[Tensor, "b c"], x: Float[Tensor, "b n c"], behind: Bool[Tensor, "b n"] | None
) -> Float[Tensor, "b c"]:
    """What the token that is `read` hears of all of its sequence that are not `behind` it."""
    heads = (attention.num_heads, -1)
    queries, keys, values = attention.in_proj_weight.chunk(3)
    query_bias, _, value_bias = attention.in_proj_bias.chunk(3)
    q = F.linear(read, queries, query_bias).unflatten(1, heads)
    asked = torch.einsum("bhe,hec->bhc", q, keys.unflatten(0, heads)) * q.shape[-1] ** -0.5
    logits = asked @ x.mT
    if behind is not None:
        logits = logits.masked_fill(behind[:, None], -torch.inf)
    heard = torch.einsum("bhc,hec->bhe", logits.softmax(dim=-1) @ x, values.unflatten(0, heads))
    return _projected(attention, heard.flatten(1) + value_bias)


def _projected(attention: Any, heard: Float[Tensor, "... c"]) -> Float[Tensor, "... c"]:
    """What the heads heard, put together."""
    return F.linear(heard, attention.out_proj.weight, attention.out_proj.bias)
